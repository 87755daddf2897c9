import * as fs from "node:fs";
import { readSome, standardInput, STDIN_NAME } from "./input.ts";
import { system, systemFailure } from "./system-error.ts";

const CHUNK_BYTES = 256 * 1024;

/** An open file to read, and what to call it in messages. */
export interface Source {
  readonly fd: number;
  readonly name: string;
  /** In bytes; undefined where it is not a plain file. */
  readonly size: number | undefined;
}

/** Standard input, as a source. */
export function openStandardInput(): Source {
  const fd = standardInput();
  return { fd, name: STDIN_NAME, size: sizeOf(fd) };
}

/** Opens a file, also one that is called `-`. */
export function openFile(path: string): Source {
  const name = `"${path}"`;
  const fd = system(`open ${name}`, () => fs.openSync(path, "r"));
  return { fd, name, size: sizeOf(fd) };
}

function sizeOf(fd: number): number | undefined {
  const stat = fs.fstatSync(fd);
  return stat.isFile() ? stat.size : undefined;
}

/** Reads plain files at once; what may keep us waiting is awaited, so that signals are noticed meanwhile. */
export async function* chunksOf({ fd, name, size }: Source): AsyncGenerator<Uint8Array> {
  if (size !== undefined) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = 1; (count = readSome(fd, buffer, 0, name)) > 0;) yield buffer.subarray(0, count);
    return;
  }
  try {
    yield* Bun.file(fd).stream();
  } catch (error) {
    throw systemFailure(`read ${name}`, error);
  }
}
