import { KvsError } from "../format/errors.ts";
import { encodeKey } from "../format/key.ts";
import { MAX_FRAME_BYTES } from "../format/limits.ts";
import type { Mutation } from "../format/record.ts";
import { type BatchOperation, expiryAfter, KNOWN_OPTIONS, refuseUnknown } from "./options.ts";
import { checkValue } from "./value.ts";

/** A bound on what a record adds to its key and value on disk, in either format. */
const RECORD_OVERHEAD_BYTES = 128;

/** Checks a batch's operations and turns them into mutations; nothing is written if one is wrong. */
export function mutationsOf(operations: Iterable<BatchOperation>, now: number): Mutation[] {
  const mutations = Array.from(operations, (operation) => mutationOf(operation, now));
  checkBatch(mutations);
  return mutations;
}

/** Throws for values that are none, and for more than one frame may hold. */
export function checkBatch(mutations: readonly Mutation[]): void {
  for (const { value } of mutations) checkValue(value);
  const bytes = mutations.reduce((sum, mutation) => sum + sizeBound(mutation), 0);
  if (bytes <= MAX_FRAME_BYTES) return;
  throw new KvsError("INVALID_ARGUMENT", `Cannot write batch: it is over ${MAX_FRAME_BYTES} bytes`);
}

function mutationOf(operation: BatchOperation, now: number): Mutation {
  if ("remove" in operation) {
    refuseUnknown(operation, KNOWN_OPTIONS.remove);
    return { kind: "remove", key: encodeKey(operation.remove), value: "", expiresAt: 0 };
  }
  if (!("set" in operation))
    throw new KvsError("INVALID_ARGUMENT", "Cannot write batch: an operation is neither set nor remove");
  refuseUnknown(operation, KNOWN_OPTIONS.put);
  const [key, value] = operation.set;
  return { kind: "put", key: encodeKey(key), value, expiresAt: expiryAfter(operation.ttlMs, now) };
}

function sizeBound({ key, value }: Mutation): number {
  return (
    RECORD_OVERHEAD_BYTES + key.length + (typeof value === "string" ? Buffer.byteLength(value) : value.length)
  );
}
