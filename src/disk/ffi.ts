type Ffi = Pick<typeof import("bun:ffi"), "dlopen" | "read">;

/**
 * Calls functions of C libraries. What the module `bun:ffi` stands on is taken
 * directly, where there is such a thing: loading the module takes 0.25 ms, a
 * twenty-fifth of what `kvs get` takes.
 */
export function ffi(): Ffi {
  const { FFI } = Bun as typeof Bun & { readonly FFI?: Ffi };
  return FFI ?? ffiModule();
}

/** The module `bun:ffi`. (`require` would cost the start even where it is never called.) */
export function ffiModule(): typeof import("bun:ffi") {
  return process.getBuiltinModule("bun:ffi") as unknown as typeof import("bun:ffi");
}
