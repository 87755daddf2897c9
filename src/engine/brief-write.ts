import { briefDisk } from "../disk/brief-disk.ts";
import { encodeKey } from "../format/key.ts";
import type { Durability, Key, Value } from "./options.ts";
import { Unsettled } from "./settled-store.ts";
import { writeSettled } from "./settled-write.ts";
import { checkValue } from "./value.ts";

/** What `writeBriefly` writes, and how. */
export interface BriefWrite {
  readonly key: Key;
  readonly value: Value;
  /** Absolute milliseconds since 1970, or 0 for never. */
  readonly expiresAt: number;
  readonly durability: Durability;
}

/**
 * Stores one value for a process that does nothing else, by the short way; false, and
 * nothing has happened, where that cannot be gone and a handle has to be opened.
 *
 * Errors: `INVALID_ARGUMENT`, `IO`. After the latter the value may be stored or not,
 * and opening a handle puts right what is left.
 */
export function writeBriefly(directory: string, { key, value, expiresAt, durability }: BriefWrite): boolean {
  checkValue(value);
  const mutation = { kind: "put", key: encodeKey(key), value, expiresAt } as const;
  try {
    writeSettled(briefDisk(), directory, mutation, durability);
    return true;
  } catch (error) {
    if (error instanceof Unsettled) return false;
    throw error;
  }
}
