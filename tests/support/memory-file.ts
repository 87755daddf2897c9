import type { AppendableFile, ReadableFile } from "../../src/disk/disk.ts";

/** A file that is no file: what is appended can be taken out as bytes. */
export class MemoryFile implements AppendableFile {
  readonly path: string = "memory";
  #chunks: Buffer[] = [];
  #size = 0;

  append(bytes: Uint8Array, at: number): void {
    if (at !== this.#size) throw new Error(`Appended at ${at}, the end is ${this.#size}`);
    this.#chunks.push(Buffer.from(bytes));
    this.#size += bytes.length;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  size(): number {
    return this.#size;
  }

  truncate(): void {
    throw new Error("Nobody cuts this file");
  }

  beginWriteBack(): void {
    // There is nothing behind it.
  }

  sync(): void {
    // There is nothing behind it.
  }

  async syncInBackground(): Promise<void> {
    // There is nothing behind it.
  }

  close(): void {
    // There is nothing to give back.
  }
}

/** Bytes as a file to read, which can be mapped or not. */
export function readableBytes(bytes: Buffer, { map }: { readonly map: boolean }): ReadableFile {
  return {
    path: "memory",
    read: (position, length) => Buffer.from(bytes.subarray(position, position + length)),
    readInto: (target, position, start = 0, end = target.length) =>
      bytes.copy(target, start, position, position + end - start),
    size: () => bytes.length,
    stamp: () => ({ inode: 1, modified: 1 }),
    map: () => (map ? { bytes, release: () => undefined } : undefined),
    mapLive: () => undefined,
    close: () => undefined,
    closeInBackground: () => undefined,
  };
}
