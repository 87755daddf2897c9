import { restoreArchive } from "../../../src/engine/restore.ts";
import {
  BLOCK_BYTES,
  CHECKSUMS_NAME,
  encodeChecksums,
  encodeMember,
  END_OF_ARCHIVE,
  paddingAfter,
} from "../../../src/format/archive.ts";
import { KvsError, type LogFormat } from "../../../src/index.ts";
import { type SeededRandom, seededRandom } from "../../support/random.ts";
import { SimulatedMachine } from "../../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../../support/simulated-disk/process.ts";
import { inSimulatedTime } from "../../support/simulated-time.ts";
import type { Campaign, Outcome } from "../campaign.ts";
import { STORE } from "../life.ts";
import { referenceStore } from "../reference-store.ts";
import { chunksOf, mutate } from "./mutate.ts";

const CASES_A_RUN = 100;

interface File {
  readonly name: string;
  readonly bytes: Buffer;
}

const NAMES = [
  "../1.log",
  "/1.log",
  "1.log",
  "01.log",
  "LOCK",
  "1.idx",
  "",
  ".",
  "a/b.log",
  "9-1.log",
  "x".repeat(100),
];

/** Restores backups that were made up. */
export const fuzzArchives: Campaign = {
  name: "fuzz-archives",
  test: 14,
  shows:
    "a backup that was made up, checksums and all, is restored or refused, and nothing is written elsewhere",
  unit: "backups",
  full: 1_000_000,
  run: (seed) => inSimulatedTime(seed, async () => fuzzSome(seededRandom(seed))),
};

async function fuzzSome(random: SeededRandom): Promise<Outcome> {
  const failures: string[] = [];
  for (let left = CASES_A_RUN; left > 0; left -= 1) {
    const archive = await drawArchive(random);
    const wrong = await wrongWithArchive(chunksOf(random, archive));
    if (wrong !== undefined) failures.push(`${wrong}: ${archive.toString("base64")}`);
  }
  return { cases: CASES_A_RUN, failures };
}

/** A backup in which a file, a name, or the archive itself is another. */
async function drawArchive(random: SeededRandom): Promise<Buffer> {
  const store = await referenceStore(random.pick<LogFormat>(["binary", "json"]));
  const files = store.logs
    .slice(0, -1)
    .map((name): File => ({ name, bytes: store.files.get(name)?.bytes ?? Buffer.alloc(0) }));
  const at = random.below(files.length);
  const { name, bytes } = files[at] ?? { name: "", bytes: Buffer.alloc(0) };
  const kind = random.below(5);
  if (kind === 0) files[at] = { name: NAMES[random.below(NAMES.length)] ?? "", bytes };
  else if (kind === 1) files[at] = { name, bytes: mutate(random, bytes) };
  else if (kind === 2) files.splice(at, 1);
  else if (kind === 3) files.push({ name, bytes });
  const archive = archiveOf(files);
  return kind === 4 || random.below(4) === 0 ? withRightSums(mutate(random, archive)) : archive;
}

function archiveOf(files: readonly File[]): Buffer {
  const sums = encodeChecksums(
    files.map(({ name, bytes }) => ({
      name,
      sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    })),
  );
  const members = [...files, { name: CHECKSUMS_NAME, bytes: sums }].flatMap(({ name, bytes }) => [
    encodeMember({ name, bytes: bytes.length, modified: 0 }),
    bytes,
    paddingAfter(bytes.length),
  ]);
  return Buffer.concat([...members, END_OF_ARCHIVE]);
}

/** Makes the sums of all headers right again: eight bytes from 148 on, counted as spaces. */
function withRightSums(archive: Buffer): Buffer {
  const bytes = Buffer.from(archive);
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) {
    const header = bytes.subarray(at, at + BLOCK_BYTES);
    if (header.latin1Slice(257, 262) !== "ustar") continue;
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.latin1Write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  }
  return bytes;
}

/** Restores a backup; what happens that must not. */
async function wrongWithArchive(chunks: readonly Buffer[]): Promise<string | undefined> {
  const process = new SimulatedProcess(SimulatedMachine.create());
  let isRestored = true;
  try {
    await restoreArchive(process, chunks, STORE, {});
  } catch (error) {
    if (!(error instanceof KvsError)) return error instanceof Error ? (error.stack ?? "") : String(error);
    isRestored = false;
  }
  const left = process.list(STORE) ?? [];
  if (!isRestored && left.length > 0) return `a failure has left ${left.join(" ")}`;
  const elsewhere = (process.list("/disk") ?? []).filter((name) => name !== "store");
  if (elsewhere.length > 0) return `it wrote ${elsewhere.join(" ")}`;
  return process.openFiles === 0 ? undefined : `${process.openFiles} files are open`;
}
