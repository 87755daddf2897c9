import { ffiModule } from "./ffi.ts";
import { nodeFs } from "./node-fs.ts";

const F_FULLFSYNC = 51;

/**
 * Makes a file's content durable. On macOS `fsync` stops at the drive's cache,
 * so `F_FULLFSYNC` is asked for.
 */
export function syncHard(fd: number): void {
  if (process.platform === "darwin") fullSync(fd);
  else nodeFs().fdatasyncSync(fd);
}

/** The same on another thread, where there is one for it. */
export async function syncHardInBackground(fd: number): Promise<void> {
  if (process.platform === "darwin") return fullSync(fd);
  return new Promise((resolve, reject) => {
    nodeFs().fdatasync(fd, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

let fcntl: ((fd: number, command: number) => number) | undefined;

function fullSync(fd: number): void {
  fcntl ??= loadFcntl();
  // File systems without F_FULLFSYNC (network ones) still know fsync.
  if (fcntl(fd, F_FULLFSYNC) === -1) nodeFs().fsyncSync(fd);
}

function loadFcntl(): (fd: number, command: number) => number {
  // Required only where it is needed: loading it costs a one-shot process time.
  const ffi = ffiModule();
  // fcntl is variadic, but this command takes no third argument.
  return ffi.dlopen("libSystem.B.dylib", { fcntl: { args: ["i32", "i32"], returns: "i32" } }).symbols.fcntl;
}
