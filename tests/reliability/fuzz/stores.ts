import { COMPACT_NAME, LOCK_NAME } from "../../../src/disk/file-names.ts";
import { maintainStore } from "../../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../../src/engine/options.ts";
import { verifyFiles } from "../../../src/engine/verify.ts";
import { parseLogHeader } from "../../../src/format/log-header.ts";
import { KvStore, KvsError, type LogFormat } from "../../../src/index.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import type { SimulatedMachine } from "../../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../../support/simulated-disk/process.ts";
import { inSimulatedTime } from "../../support/simulated-time.ts";
import type { Campaign, Outcome } from "../campaign.ts";
import { STORE } from "../life.ts";
import { KEYS, machineWith, type ReferenceStore, referenceStore } from "../reference-store.ts";
import { mutate } from "./mutate.ts";
import { repairHint, repairIndex, repairLog } from "./repair.ts";

const CASES_A_RUN = 100;

/** More than any of these needs, unless it goes in circles. */
const MOST_CALLS = 20_000;

/** What stands in JSON logs. */
const JSON_WORDS: readonly Buffer[] = [
  '{"Set":{"key":"k","value":"v"}}\n',
  '{"Remove":{"key":"k"}}',
  '"more":true,',
  '"expires":9007199254740991,',
  '"expires":-1,',
  '"encoding":"base64",',
  '"keyEncoding":"base64",',
  '"__proto__":{},',
  '"kvs":{"version":1}',
  '"\\ud800"',
  "\\u0000",
  "\n",
  "\n\n",
  "{",
  "}",
  "[".repeat(1000),
  '"',
  "\\",
  "1e999",
  "null",
  "\xff",
].map((word) => Buffer.from(word, "latin1"));

/** What becomes of a store whose files somebody has made up. */
function storeCampaign(name: string, full: number, draw: Draw): Campaign {
  return {
    name,
    test: 14,
    shows: "8: files that were made up, checksums and all, give answers or errors: no crash, no endless loop",
    unit: "stores",
    full,
    run: (seed) => inSimulatedTime(seed, async () => fuzzSome(seededRandom(seed), draw)),
  };
}

interface MadeUp {
  readonly store: Pick<ReferenceStore, "files">;
  readonly changes: ReadonlyMap<string, Buffer | undefined>;
}
type Draw = (random: SeededRandom) => Promise<MadeUp>;

export const fuzzLogs: Campaign = storeCampaign("fuzz-logs", 600_000, drawLogs);
export const fuzzIndexes: Campaign = storeCampaign("fuzz-indexes", 600_000, drawIndexes);
export const fuzzLock: Campaign = storeCampaign("fuzz-lock", 600_000, drawLock);

async function drawLogs(random: SeededRandom): Promise<MadeUp> {
  const format = random.pick(["binary", "binary", "json", "foreign"] as const);
  if (format === "foreign") return drawForeign(random);
  const store = await referenceStore(format);
  const name = store.logs[random.below(store.logs.length)] ?? "";
  const mutated = mutate(random, bytesOf(store, name), format === "json" ? JSON_WORDS : wordsOf(store));
  const bytes = format === "binary" && random.below(4) > 0 ? repairLog(mutated) : mutated;
  const changes = new Map<string, Buffer | undefined>([[name, bytes]]);
  if (random.below(2) === 0) changes.set(name.replace(/log$/, "idx"), undefined);
  if (random.below(2) === 0)
    changes.set(LOCK_NAME, random.below(2) === 0 ? undefined : lockFor(store, bytes));
  return { store, changes };
}

/** LOCK, as a writer would leave it that has just written these bytes. */
function lockFor(store: ReferenceStore, log: Buffer): Buffer {
  const lock = Buffer.from(bytesOf(store, LOCK_NAME));
  // Written and synced bytes, and the digest of the tail.
  lock.writeUInt32LE(log.length, 32);
  lock.writeUInt32LE(log.length, 40);
  lock.writeUInt32LE(Bun.hash.crc32(log.subarray(store.states[0]?.size ?? 0)), 76);
  return repairHint(lock);
}

function drawForeign(random: SeededRandom): MadeUp {
  const commands =
    '{"Set":{"key":"a","value":"1"}}{"Remove":{"key":"a"}}\n {"Set":{"key":"b","value":"\\u00e9"}}';
  const kept = { inode: 1, modified: 1, bytes: Buffer.from(commands) };
  const files = new Map([
    ["4.log", kept],
    ["7.log", { ...kept, inode: 2 }],
  ]);
  const name = random.pick(["4.log", "7.log"]);
  return { store: { files }, changes: new Map([[name, mutate(random, kept.bytes, JSON_WORDS)]]) };
}

async function drawIndexes(random: SeededRandom): Promise<MadeUp> {
  const store = await referenceStore(random.pick<LogFormat>(["binary", "json"]));
  const name = store.logs[random.below(store.logs.length - 1)] ?? "";
  const index = name.replace(/log$/, "idx");
  const parsed = parseLogHeader(bytesOf(store, name));
  const { logId } = parsed.status === "header" ? parsed.header : { logId: "" };
  const mutated = mutateFields(random, bytesOf(store, index));
  return {
    store,
    changes: new Map([[index, random.below(8) === 0 ? mutated : repairIndex(mutated, logId)]]),
  };
}

/** Most of an index is zeros: what is changed is what is not, mostly. */
function mutateFields(random: SeededRandom, index: Buffer): Buffer {
  const parts = [144, 4096 + 64, 2 * 4096 + 128, 3 * 4096 + 64];
  const at = random.below(4) * 4096;
  const end = parts[at / 4096] ?? index.length;
  const field = mutate(random, index.subarray(at, end));
  const whole = Buffer.concat([index.subarray(0, at), field, index.subarray(end)]);
  return random.below(2) === 0 ? whole : Buffer.concat([whole, index]).subarray(0, index.length);
}

async function drawLock(random: SeededRandom): Promise<MadeUp> {
  const store = await referenceStore(random.pick<LogFormat>(["binary", "json"]));
  const name = random.below(8) === 0 ? COMPACT_NAME : LOCK_NAME;
  const note = Buffer.from("not mergeable: 3 logs, 01234567".padEnd(63) + "\n");
  const mutated = mutate(random, name === LOCK_NAME ? bytesOf(store, name) : note);
  return { store, changes: new Map([[name, random.below(8) === 0 ? mutated : repairHint(mutated)]]) };
}

function wordsOf(store: ReferenceStore): Buffer[] {
  return store.logs.map((name) => bytesOf(store, name).subarray(64));
}

function bytesOf({ files }: Pick<ReferenceStore, "files">, name: string): Buffer {
  return files.get(name)?.bytes ?? Buffer.alloc(0);
}

async function fuzzSome(random: SeededRandom, draw: Draw): Promise<Outcome> {
  const failures: string[] = [];
  for (let left = CASES_A_RUN; left > 0; left -= 1) {
    const { store, changes } = await draw(random);
    const wrong = await wrongWith(machineWith(store, changes), random.below(2) === 0);
    if (wrong === undefined) continue;
    const inputs = [...changes].map(([name, bytes]) => `${name} ${bytes?.toString("base64")}`);
    failures.push(`${wrong}: ${inputs.join(", ")}`);
  }
  return { cases: CASES_A_RUN, failures };
}

/** Reads, verifies, writes to and compacts what is there; what happens that must not. */
export async function wrongWith(machine: SimulatedMachine, mmap: boolean): Promise<string | undefined> {
  let calls = 0;
  const process = new SimulatedProcess(machine, () => {
    calls += 1;
    return calls > MOST_CALLS ? { error: new Error("It goes in circles") } : undefined;
  });
  const works: readonly (() => unknown)[] = [
    () => read(process, mmap),
    () => [...verifyFiles(process, STORE)],
    () => maintainStore(process, STORE, resolveOptions({ waitMs: 50 })),
    async () => write(process, mmap),
  ];
  for (const work of works) {
    calls = 0;
    try {
      await work();
    } catch (error) {
      if (!isRefusal(error)) return error instanceof Error ? (error.stack ?? "") : String(error);
    }
  }
  return process.openFiles === 0 ? undefined : `${process.openFiles} files are open`;
}

/** Whether all that went wrong is told as it should be: closing a store may fail as well. */
function isRefusal(error: unknown): boolean {
  if (error instanceof SuppressedError) return isRefusal(error.error) && isRefusal(error.suppressed);
  return error instanceof KvsError;
}

function read(process: SimulatedProcess, mmap: boolean): void {
  using store = KvStore.openOn(process, STORE, { readOnly: true, mmap });
  const reads: readonly (() => unknown)[] = [
    ...KEYS.map((key) => () => store.getBytes(key)),
    () => [...store.records()],
    () => [...store.keys({ reverse: true, from: "b", encoding: "bytes" })],
    () => store.count(),
    () => store.stats(),
  ];
  for (const one of reads) unlessRefused(one);
}

async function write(process: SimulatedProcess, mmap: boolean): Promise<void> {
  using store = KvStore.openOn(process, STORE, { autoCompact: false, mmap, waitMs: 50 });
  unlessRefused(() => store.set("new", "1"));
  unlessRefused(() => store.increment("n"));
  unlessRefused(() => store.delete("a"));
  await Promise.resolve();
  await store.compact();
}

function unlessRefused(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
  }
}
