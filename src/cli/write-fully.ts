import { libc } from "../disk/libc.ts";
import { describe } from "./descriptor.ts";
import { SYSTEM } from "./exit-codes.ts";
import { BrokenPipe, Failure } from "./failures.ts";
import { nodeFs } from "../disk/node-fs.ts";
import { systemCode, systemFailure } from "./system-error.ts";
import { STDOUT } from "./terminal.ts";

/** What messages call it. */
export const STDOUT_NAME = "standard output";

const LONGEST_PAUSE_MS = 50;

/** Writes all bytes to a file that may be a slow, non-blocking pipe. `name` is for the error. */
export function writeFully(fd: number, bytes: Uint8Array, name: string): void {
  if (fd === STDOUT) refuseIfClosed(name);
  if (bytes.length === 0) return;
  let pauseMs = 1;
  // Mostly that is all: `node:fs` need not be loaded, and tells what is wrong where something is.
  for (let written = Math.max(0, libc()?.write(fd, bytes, bytes.length) ?? 0); written < bytes.length;) {
    try {
      written += nodeFs().writeSync(fd, bytes, written, bytes.length - written);
      pauseMs = 1;
    } catch (error) {
      const code = systemCode(error);
      if (code === "EPIPE") throw new BrokenPipe(name);
      if (code !== "EAGAIN") throw systemFailure(`write ${name}`, error);
      Bun.sleepSync(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

let isKnownOpen = false;

/** What is written to the stand-in of a closed standard output would be lost in silence. */
function refuseIfClosed(name: string): void {
  isKnownOpen ||= !describe(STDOUT).wasClosed;
  if (!isKnownOpen) throw new Failure(SYSTEM, `Cannot write ${name}: it is closed`);
}
