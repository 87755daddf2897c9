import { LOCK_NAME } from "../../src/disk/file-names.ts";
import { encodeHint, parseHint } from "../../src/format/hint.ts";
import type { LogFormat } from "../../src/index.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import type { Campaign, Outcome } from "./campaign.ts";
import {
  answersOf,
  contentAfterWriting,
  damagedFiles,
  isDamage,
  machineWith,
  namesPlace,
  type ReferenceStore,
  referenceStore,
} from "./reference-store.ts";

const CASES_A_RUN = 100;
const LONGEST_TAIL = 9000;
const LONG_TAIL = 300_000;
const OTHER_SEED = 2;

/** Behind the header of a binary log that is no merge stands its first frame. */
const PLAIN_HEADER_BYTES = 64;

/** Appends what never was a record to logs, and reads everything. */
export const tails: Campaign = {
  name: "tails",
  test: 2,
  shows: "3 and 8: what stands behind the last frame is no record, and behind a seal it is damage",
  unit: "tails",
  full: 25_000,
  run: (seed) => inSimulatedTime(seed, async () => appendSome(seededRandom(seed))),
};

async function appendSome(random: SeededRandom): Promise<Outcome> {
  const failures: string[] = [];
  for (let left = CASES_A_RUN; left > 0; left -= 1) {
    const format = random.pick<LogFormat>(["binary", "binary", "json"]);
    const store = await referenceStore(format);
    const [what, tail] = await drawnTail(random, store);
    const isActive = random.below(4) > 0;
    const name = isActive ? store.active : (store.logs[random.below(store.logs.length - 1)] ?? "");
    const wrong = isActive ? await appendToActive(random, store, tail) : appendToSealed(store, name, tail);
    if (wrong !== undefined)
      failures.push(`${format}, ${tail.length} bytes of ${what} behind ${name}: ${wrong}`);
  }
  return { cases: CASES_A_RUN, failures };
}

/** What may stand behind the last frame after a crash or a mishap. */
async function drawnTail(random: SeededRandom, store: ReferenceStore): Promise<[what: string, tail: Buffer]> {
  const length = random.below(50) === 0 ? LONG_TAIL : 1 + random.below(random.pick([10, 100, LONGEST_TAIL]));
  // Lines of JSON have no checksums: those of another place, or store, are as good as others.
  const kind = random.below(store.format === "json" ? 3 : 6);
  if (kind === 0) return ["zeros", Buffer.alloc(length)];
  if (kind === 1) return ["ff", Buffer.alloc(length, 0xff)];
  if (kind === 2) return ["noise", noise(random, length)];
  if (kind === 3) return ["its own frames", framesOf(random, store, store.active)];
  const name = store.logs[random.below(store.logs.length)] ?? "";
  if (kind === 4) return [`frames of ${name}`, framesOf(random, store, name)];
  return ["frames of another store", framesOf(random, await referenceStore(store.format, OTHER_SEED), name)];
}

/** Whole frames, and sometimes a part of one more. */
function framesOf(random: SeededRandom, { files, states, active }: ReferenceStore, name: string): Buffer {
  const bytes = files.get(name)?.bytes ?? Buffer.alloc(0);
  const ends = name === active ? states.map(({ size }) => size) : [bytes.length];
  const from = name === active ? (ends[random.below(ends.length - 1)] ?? 0) : PLAIN_HEADER_BYTES;
  const later = ends.filter((end) => end > from);
  const to = later[random.below(later.length)] ?? bytes.length;
  return bytes.subarray(from, to - random.below(2) * random.below(8));
}

function noise(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.below(256);
  // An empty line would be a seal, which has no checksum in JSON.
  if (bytes[0] === 0x0a) bytes[0] = 0;
  return bytes;
}

/** The active log is cut where a frame ends, so that a tail may stand where it stood in its own log. */
async function appendToActive(
  random: SeededRandom,
  store: ReferenceStore,
  tail: Buffer,
): Promise<string | undefined> {
  const whole = store.files.get(store.active)?.bytes ?? Buffer.alloc(0);
  const { size, entries } = random.pick([store.states.at(-1), ...store.states]) ?? { size: 0, entries: "" };
  const log = Buffer.concat([whole.subarray(0, size), tail]);
  const hint = hintFor(store, whole.subarray(0, size));
  const lock = random.pick([hint, hint, undefined]);
  const changes = new Map([
    [store.active, log],
    [LOCK_NAME, lock],
  ]);
  // What stood there before may stand there again.
  if (log.subarray(size).equals(whole.subarray(size, log.length))) return undefined;
  const where = { boot: 1 + random.below(2) };
  const { gets, scans } = answersOf(machineWith(store, changes, where), { mmap: random.below(2) === 0 });
  if (scans[0] !== JSON.stringify(entries)) return `entries are ${scans[0]}, expected ${entries}`;
  const damaged = gets.find(isDamage);
  if (damaged !== undefined) return `an answer is ${damaged}`;
  const written = await contentAfterWriting(machineWith(store, changes, where));
  return written === JSON.stringify(entries) ? undefined : `after a write: ${written}`;
}

/** LOCK as it was when the log was as long as this. */
function hintFor({ files, states }: ReferenceStore, log: Buffer): Buffer {
  const hint = parseHint(files.get(LOCK_NAME)?.bytes ?? Buffer.alloc(0));
  if (hint === undefined) throw new Error("LOCK holds no hint");
  const tailDigest = Bun.hash.crc32(log.subarray(states[0]?.size ?? 0));
  return encodeHint({ ...hint, tailDigest, writtenBytes: log.length, syncedBytes: log.length });
}

function appendToSealed(store: ReferenceStore, name: string, tail: Buffer): string | undefined {
  const changes = new Map([[name, Buffer.concat([store.files.get(name)?.bytes ?? Buffer.alloc(0), tail])]]);
  const { gets, scans } = answersOf(machineWith(store, changes));
  const wrong = gets.find((one, at) => one !== store.right.gets[at] && !namesPlace(one, name));
  if (wrong !== undefined) return `get says ${wrong}`;
  const unnoticed = scans.find((one) => !namesPlace(one, name));
  if (unnoticed !== undefined) return `a scan says ${unnoticed}`;
  return damagedFiles(machineWith(store, changes)).has(name) ? undefined : "verify does not find it";
}
