import { adoptingStoreId } from "../format/foreign-store.ts";
import { MAX_FIRST_COUNTER } from "../format/hint.ts";

const STORE_ID_BYTES = 16;
const LOG_ID_BYTES = 8;

/** A new store's id: random, in hex. */
export function newStoreId(): string {
  return randomHex(STORE_ID_BYTES);
}

/** The id of a store that goes on from foreign logs, its own ones numbered from `first`. */
export function newAdoptingStoreId(first: number): string {
  return adoptingStoreId(first, newStoreId());
}

/** A new log's id: random, in hex. */
export function newLogId(): string {
  return randomHex(LOG_ID_BYTES);
}

/** Where a new LOCK's counter starts: even, and not where an earlier LOCK of the same store stood. */
export function newCounter(): number {
  return Math.floor((Math.random() * MAX_FIRST_COUNTER) / 2) * 2;
}

/** Where a new LOCK's layout number starts. */
export function newLayout(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}
