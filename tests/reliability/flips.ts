import type { LogFormat } from "../../src/index.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import {
  type Answers,
  answersOf,
  type Changes,
  contentAfterWriting,
  damagedFiles,
  isDamage,
  machineWith,
  namesPlace,
  type ReferenceStore,
  referenceStore,
} from "./reference-store.ts";

const RUNS = 400;
/** The first runs flip all bits of logs and of LOCK; indexes, which are larger, are spread over all. */
const RUNS_OF_LOGS = 6;

/** Flips every bit of a store, one at a time, and reads everything. */
export const flips: Campaign = {
  name: "flips",
  test: 3,
  shows: "8: a flipped bit gives the right answer or names its place; none in an index or LOCK changes one",
  unit: "bits",
  runs: RUNS,
  full: 500_000,
  run: (seed) => inSimulatedTime(seed, async () => flipSome(seed)),
};

async function flipSome(seed: number): Promise<Outcome> {
  const failures: string[] = [];
  let cases = 0;
  for (const format of ["binary", "json"] satisfies LogFormat[]) {
    const store = await referenceStore(format);
    for (const [name, bit] of bitsOf(store, seed)) {
      cases += 1;
      const wrong = await flip(store, name, bit);
      if (wrong !== undefined) failures.push(`${format}, bit ${bit} of ${name}: ${wrong}`);
    }
  }
  return { cases, failures };
}

/** The bits of one run. */
function* bitsOf({ files }: ReferenceStore, seed: number): Generator<[name: string, bit: number]> {
  for (const [name, { bytes }] of files) {
    const runs = name.endsWith(".idx") ? RUNS : RUNS_OF_LOGS;
    if (seed >= runs) continue;
    for (let bit = seed; bit < bytes.length * 8; bit += runs) yield [name, bit];
  }
}

/** What is wrong with a store of which one bit is; undefined if nothing is. */
async function flip(store: ReferenceStore, name: string, bit: number): Promise<string | undefined> {
  const flipped = Buffer.from(store.files.get(name)?.bytes ?? []);
  flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  const changes = new Map([[name, flipped]]);
  if (name.endsWith(".log")) return flipInLog(store, name, changes, bit);
  return wrongWithLog(store, changes, bit) ?? (await wrongWithRest(store, name, changes));
}

function flipInLog(store: ReferenceStore, name: string, changes: Changes, bit: number): string | undefined {
  const withIndex = wrongInLog(store, name, changes, bit);
  if (withIndex !== undefined || name === store.active) return withIndex;
  return wrongInLog(store, name, new Map([...changes, [name.replace(/log$/, "idx"), undefined]]), bit);
}

function wrongInLog(store: ReferenceStore, name: string, changes: Changes, bit: number): string | undefined {
  const { gets, scans } = answersOf(machineWith(store, changes), { mmap: bit % 3 === 0 });
  const damaged = damagedFiles(machineWith(store, changes));
  // A JSON log has no checksums: it is enough that nothing but an answer or damage comes of it.
  if (store.format === "json") return undefined;
  const right = [...store.right.gets, ...store.right.scans];
  const wrong = [...gets, ...scans].filter((one, at) => one !== right[at] && !namesPlace(one, name));
  if (wrong.length > 0) return `answers are ${wrong.join(", ")}`;
  return damaged.has(name) ? undefined : "verify does not find it";
}

function wrongWithLog(store: ReferenceStore, changes: Changes, bit: number): string | undefined {
  const found = answersOf(machineWith(store, changes), { mmap: bit % 2 === 0 });
  return sameAs(found, store.right);
}

async function wrongWithRest(
  store: ReferenceStore,
  name: string,
  changes: Changes,
): Promise<string | undefined> {
  if (name.endsWith(".idx")) {
    return damagedFiles(machineWith(store, changes)).has(name) ? undefined : "verify does not find it";
  }
  const written = await contentAfterWriting(machineWith(store, changes));
  return written === store.right.scans[0] ? undefined : `after a write: ${written}`;
}

/** Which answer is another one than that which is right. */
export function sameAs(found: Answers, right: Answers): string | undefined {
  const wanted = [...right.gets, ...right.scans];
  const at = [...found.gets, ...found.scans].findIndex((one, index) => one !== wanted[index]);
  if (at < 0) return undefined;
  const one = [...found.gets, ...found.scans][at] ?? "";
  return `answer ${at} is ${isDamage(one) ? one : one.slice(0, 200)}, expected ${wanted[at]}`;
}
