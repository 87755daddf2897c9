import type { LogHeader } from "./header.ts";

/*
 * A directory that the original kvs has written holds logs without headers,
 * numbered from anywhere and with gaps. The first log of ours, one higher than
 * the highest of them, starts a store whose id says so: a mark, that log's
 * generation, and random bytes. So every log of ours tells that headerless logs
 * below that generation belong to the store, and a log that lost its header is
 * never taken for one of them.
 */

/** "kvsrs", in hex. */
const MARK = "6b76737273";
const GENERATION_DIGITS = 14;
const RANDOM_DIGITS = 8;

/** Stands for the store id in what is known of a log without a header. */
const NO_STORE = "";

/** The id of a store that goes on from foreign logs with the generation `first`; `random` is a random id. */
export function adoptingStoreId(first: number, random: string): string {
  return MARK + first.toString(16).padStart(GENERATION_DIGITS, "0") + random.slice(-RANDOM_DIGITS);
}

/** What a log without a header would say of itself; `logIdOf` is asked whenever its id is: the bytes may change. */
export function foreignHeader(generation: number, logIdOf: () => string): LogHeader {
  return {
    storeId: NO_STORE,
    get logId() {
      return logIdOf();
    },
    first: generation,
    last: generation,
    inputs: [],
  };
}

/** The id of a foreign log: its number and the CRC-32 of all its bytes. */
export function foreignLogId(generation: number, digest: number): string {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(generation % 2 ** 32, 0);
  id.writeUInt32LE(digest, 4);
  return id.toString("hex");
}

export function isForeign({ storeId }: Pick<LogHeader, "storeId">): boolean {
  return storeId === NO_STORE;
}

/** Whether a log is one of the store with this id. */
export function belongsTo({ storeId, last }: Pick<LogHeader, "storeId" | "last">, store: string): boolean {
  return storeId === store || (storeId === NO_STORE && last < firstOfOurs(store));
}

/** The first generation of ours in a store that went on from foreign logs; 1 in any other. */
function firstOfOurs(storeId: string): number {
  if (!storeId.startsWith(MARK)) return 1;
  return Number.parseInt(storeId.slice(MARK.length, MARK.length + GENERATION_DIGITS), 16);
}
