import { LOCK_NAME } from "../../src/disk/file-names.ts";
import { encodeHint, parseHint } from "../../src/format/hint.ts";
import type { LogFormat } from "../../src/index.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import { sameAs } from "./flips.ts";
import {
  answersOf,
  type Changes,
  contentAfterWriting,
  damagedFiles,
  machineWith,
  namesPlace,
  type ReferenceStore,
  referenceStore,
} from "./reference-store.ts";

const RUNS = 100;
/** As with flipped bits: all of logs and LOCK at first, and a part of the larger indexes in every run. */
const RUNS_OF_LOGS = 4;

/** Cuts every file of a store at every byte, one at a time, and reads everything. */
export const cuts: Campaign = {
  name: "cuts",
  test: 1,
  shows:
    "1, 4, 6 and 8: a cut active log holds a prefix, or is damaged below what was synced; a sealed one is",
  unit: "cuts",
  runs: RUNS,
  full: 100_000,
  run: (seed) => inSimulatedTime(seed, async () => cutSome(seed)),
};

async function cutSome(seed: number): Promise<Outcome> {
  const failures: string[] = [];
  let cases = 0;
  for (const format of ["binary", "json"] satisfies LogFormat[]) {
    const store = await referenceStore(format);
    for (const [name, { bytes }] of store.files) {
      const runs = name.endsWith(".idx") ? RUNS : RUNS_OF_LOGS;
      if (seed >= runs) continue;
      for (let size = seed; size < bytes.length; size += runs) {
        cases += 1;
        const wrong = await cut(store, name, size);
        if (wrong !== undefined) failures.push(`${format}, ${name} cut to ${size} bytes: ${wrong}`);
      }
    }
  }
  return { cases, failures };
}

async function cut(store: ReferenceStore, name: string, size: number): Promise<string | undefined> {
  const bytes = Buffer.from(store.files.get(name)?.bytes.subarray(0, size) ?? []);
  const changes = new Map([[name, bytes]]);
  if (name === store.active) return await cutActive(store, size, changes);
  return name.endsWith(".log") ? cutSealed(store, name, changes) : await cutOther(store, name, changes);
}

/** Neither a record's end nor a log's beginning is where a sealed log may end. */
function cutSealed(store: ReferenceStore, name: string, changes: Changes): string | undefined {
  const withoutIndex = new Map([...changes, [name.replace(/log$/, "idx"), undefined]]);
  for (const left of [changes, withoutIndex]) {
    const { gets, scans } = answersOf(machineWith(store, left));
    const wrong = gets.find((one, at) => one !== store.right.gets[at] && !namesPlace(one, name));
    if (wrong !== undefined) return `get says ${wrong}`;
    const unnoticed = scans.find((one) => !namesPlace(one, name));
    if (unnoticed !== undefined) return `a scan says ${unnoticed}`;
    if (!damagedFiles(machineWith(store, left)).has(name)) return "verify does not find it";
  }
  return undefined;
}

async function cutOther(store: ReferenceStore, name: string, changes: Changes): Promise<string | undefined> {
  const wrong = sameAs(answersOf(machineWith(store, changes)), store.right);
  if (wrong !== undefined) return wrong;
  if (name.endsWith(".idx")) {
    return damagedFiles(machineWith(store, changes)).has(name) ? undefined : "verify does not find it";
  }
  const written = await contentAfterWriting(machineWith(store, changes));
  return written === store.right.scans[0] ? undefined : `after a write: ${written}`;
}

/** As it was left, after another boot for each size that may have been synced, and without LOCK. */
async function cutActive(store: ReferenceStore, size: number, changes: Changes): Promise<string | undefined> {
  const bytes = store.files.get(store.active)?.bytes.length ?? 0;
  const sameBoot = wrongAbove(store, size, { changes, promised: bytes, boot: 1 });
  if (sameBoot !== undefined) return sameBoot;
  for (const { size: synced } of store.states) {
    const withHint = new Map([...changes, [LOCK_NAME, lockWith(store, synced)]]);
    const wrong = wrongAbove(store, size, { changes: withHint, promised: synced, boot: 2 });
    if (wrong !== undefined) return `${synced} bytes synced: ${wrong}`;
  }
  const withoutLock = new Map([...changes, [LOCK_NAME, undefined]]);
  const header = store.states[0]?.size ?? 0;
  const wrong = wrongAbove(store, size, { changes: withoutLock, promised: header, boot: 1 });
  if (wrong !== undefined || size < header) return wrong;
  const written = await contentAfterWriting(machineWith(store, withoutLock));
  return written === prefixAt(store, size) ? undefined : `after a write: ${written}`;
}

interface Promised {
  readonly changes: Changes;
  /** Bytes of the active log that must be there. */
  readonly promised: number;
  readonly boot: number;
}

function wrongAbove(
  store: ReferenceStore,
  size: number,
  { changes, promised, boot }: Promised,
): string | undefined {
  const { gets, scans } = answersOf(machineWith(store, changes, { boot }));
  if (size < promised) {
    const unnoticed = [...gets, ...scans].find((one) => !namesPlace(one, store.active));
    return unnoticed === undefined ? undefined : `an answer is ${unnoticed}`;
  }
  return scans[0] === prefixAt(store, size) ? undefined : `entries are ${scans[0]}`;
}

/** All entries after the last frame that ends within so many bytes. */
function prefixAt({ states }: ReferenceStore, size: number): string {
  return JSON.stringify(states.findLast((state) => state.size <= size)?.entries);
}

function lockWith({ files }: ReferenceStore, syncedBytes: number): Buffer {
  const hint = parseHint(files.get(LOCK_NAME)?.bytes ?? Buffer.alloc(0));
  if (hint === undefined) throw new Error("LOCK holds no hint");
  return encodeHint({ ...hint, syncedBytes });
}
