import { checkBatch } from "./batch.ts";
import type { Mutation } from "../format/record.ts";
import type { StoreHandle } from "./handle.ts";
import { EVERYTHING } from "./runs.ts";
import { checkValue } from "./value.ts";

/* What imports and exports do with a store: records pass as they are, many of them, one by one. */

const NOT_URGENT = { urgent: false } as const;

/** Writes a record as it is, its expiry an absolute time. */
export function writeRecord(handle: StoreHandle, mutation: Mutation): void {
  checkValue(mutation.value);
  handle.begin();
  handle.write([mutation], NOT_URGENT);
}

/** Writes records as they are, all or none. */
export function writeBatch(handle: StoreHandle, mutations: readonly Mutation[]): void {
  checkBatch(mutations);
  handle.begin();
  if (mutations.length > 0) handle.write(mutations, { urgent: true });
}

/** The live records as they would be written again, in the order of their keys; each is good until the next is asked for. */
export function liveMutations(handle: StoreHandle): Iterable<Mutation> {
  handle.mapIfFew();
  return handle.scan(
    () => ({ range: EVERYTHING }),
    ({ key, record: { value, encoding, expiresAt } }) => ({
      kind: "put",
      key,
      value,
      encoding,
      expiresAt,
    }),
  );
}
