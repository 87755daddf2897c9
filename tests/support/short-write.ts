import type { Disk } from "../../src/disk/disk.ts";
import { Unsettled } from "../../src/engine/settled-store.ts";
import { writeSettled } from "../../src/engine/settled-write.ts";
import { encodeKey } from "../../src/format/key.ts";
import type { Durability } from "../../src/index.ts";

/** A value that a process of one write stores, as `kvs set` does. */
export interface ShortWrite {
  readonly key: string;
  readonly value: string;
  readonly expiresAt: number;
  readonly durability: Durability;
}

/** Stores it by the short way; false where that cannot be gone. */
export function writeShortly(disk: Disk, directory: string, write: ShortWrite): boolean {
  const { key, value, expiresAt, durability } = write;
  try {
    writeSettled(disk, directory, { kind: "put", key: encodeKey(key), value, expiresAt }, durability);
    return true;
  } catch (error) {
    if (error instanceof Unsettled) return false;
    throw error;
  }
}
