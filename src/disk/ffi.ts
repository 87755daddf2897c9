type Ffi = Pick<typeof import("bun:ffi"), "dlopen" | "read">;

/**
 * Calls functions of C libraries. What the module `bun:ffi` stands on is taken
 * directly, where there is such a thing: loading the module takes 0.25 ms, a
 * twenty-fifth of what `kvs get` takes.
 */
export function ffi(): Ffi {
  const { FFI } = Bun as typeof Bun & { readonly FFI?: Ffi };
  return FFI ?? (require("bun:ffi") as Ffi);
}
