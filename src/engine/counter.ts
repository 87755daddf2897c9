import { KvsError } from "../format/errors.ts";
import type { StoredRecord } from "../format/record.ts";

const DECIMAL = /^-?[0-9]+$/;

/** The number after `by` was added to a stored decimal integer; a missing one counts from 0. */
export function incremented(record: StoredRecord | undefined, by: number): number {
  if (!Number.isSafeInteger(by)) {
    throw new KvsError(
      "OUT_OF_RANGE",
      `Cannot increment by ${by}: it is not an integer within 2^53-1 either way`,
    );
  }
  const sum = (record === undefined ? 0 : parseNumber(record)) + by;
  if (Number.isSafeInteger(sum)) return sum;
  throw new KvsError("OUT_OF_RANGE", "Cannot increment: the sum is not within 2^53-1 either way");
}

function parseNumber(record: StoredRecord): number {
  // Longer than any number in range: not worth decoding.
  const text = record.value.length <= 32 ? record.value.latin1Slice() : "";
  if (!DECIMAL.test(text))
    throw new KvsError("NOT_A_NUMBER", "Cannot increment: the value is not a decimal integer");
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new KvsError("OUT_OF_RANGE", "Cannot increment: the value is not within 2^53-1 either way");
}
