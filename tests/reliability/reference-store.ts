import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { verifyFiles } from "../../src/engine/verify.ts";
import { KvStore, KvsError, type LogFormat, type OpenOptions } from "../../src/index.ts";
import { DirectoryNode, type Node } from "../support/simulated-disk/directory-node.ts";
import { FileNode } from "../support/simulated-disk/file-node.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { inSimulatedTime } from "../support/simulated-time.ts";
import { STORE } from "./life.ts";

/** A file as it was left: JSON indexes look at inode and time of their logs. */
interface KeptFile {
  readonly inode: number;
  readonly modified: number;
  readonly bytes: Buffer;
}

/** A small store with every kind of file in it, and what it answers. */
export interface ReferenceStore {
  readonly format: LogFormat;
  readonly files: ReadonlyMap<string, KeptFile>;
  /** Names of the logs, oldest first; the last one is written to. */
  readonly logs: readonly string[];
  readonly active: string;
  /** Size of the active log, and all entries, after its header and after each of its frames. */
  readonly states: readonly { readonly size: number; readonly entries: string }[];
  readonly right: Answers;
}

/** What every kind of read says, as text; damage as `DAMAGE`, file and offset. */
export interface Answers {
  readonly gets: readonly string[];
  readonly scans: readonly string[];
}

/** Other content for some of the files; undefined for a file that is gone. */
export type Changes = ReadonlyMap<string, Uint8Array | undefined>;

export const KEYS = ["", "a", "b", "c", "d", "e", "gone", "n", "ü", "t", "none", "z/1"] as const;

const BOOT = { boot: 1, nextInode: 1000, flaws: {} } as const;
const SEED = 20_260_101;
const NOW = 1_700_000_000_000;

const references = new Map<string, Promise<ReferenceStore>>();

/** The store of a format; it is made once. That of another seed holds the same under other ids. */
export async function referenceStore(format: LogFormat, seed: number = SEED): Promise<ReferenceStore> {
  const name = `${format} ${seed}`;
  let reference = references.get(name);
  if (reference === undefined) {
    reference = inSimulatedTime(seed, async () => makeReference(format));
    references.set(name, reference);
  }
  return reference;
}

async function makeReference(format: LogFormat): Promise<ReferenceStore> {
  const machine = SimulatedMachine.create();
  const disk = new SimulatedProcess(machine);
  await writeSealed(disk, format);
  const states = await writeActive(disk);
  const files = new Map<string, KeptFile>();
  for (const name of disk.list(STORE) ?? []) {
    const file = machine.file(`${STORE}/${name}`);
    if (file === undefined) throw new Error(`"${name}" is no file`);
    files.set(name, { inode: file.inode, modified: file.modified, bytes: file.read(0, file.size) });
  }
  const logs = [...files.keys()].filter((name) => name.endsWith(".log")).toSorted(byGeneration);
  const made = { format, files, logs, active: logs.at(-1) ?? "", states };
  return { ...made, right: answersOf(machineWith(made, new Map())) };
}

/** A merged log, and two that were written to; each with its index. */
async function writeSealed(disk: SimulatedProcess, format: LogFormat): Promise<void> {
  const options = { format, autoCompact: false } satisfies OpenOptions;
  {
    using store = KvStore.openOn(disk, STORE, options);
    store.batch([{ set: ["a", "1"] }, { set: ["b", "oldest"] }, { set: ["gone", "x"] }]);
    store.set("", "the empty key");
    store.set("c", Buffer.of(0xff, 0, 0xfe));
    await Promise.resolve();
    await store.compact();
    store.set("b", "old");
    store.delete("gone");
  }
  for (const value of ["older", "ü€"]) {
    using rotating = KvStore.openOn(disk, STORE, { ...options, generationBytes: 1 });
    rotating.batch([{ set: ["ü", value] }, { set: ["d", value], ttlMs: 1_000_000_000 }]);
    await Promise.resolve();
  }
  maintainStore(disk, STORE, resolveOptions(options));
}

async function writeActive(disk: SimulatedProcess): Promise<ReferenceStore["states"]> {
  const store = KvStore.openOn(disk, STORE, { autoCompact: false });
  const { name } = store.stats().generations.at(-1) ?? { name: "" };
  const states: { size: number; entries: string }[] = [];
  const note = async (): Promise<void> => {
    await Promise.resolve();
    await Promise.resolve();
    states.push({ size: disk.machine.file(`${STORE}/${name}`)?.size ?? 0, entries: entriesOf(store) });
  };
  const steps: readonly (() => unknown)[] = [
    () => store.set("e", "first"),
    () => store.batch([{ set: ["d", "1"] }, { set: ["z/1", "x".repeat(50)] }, { remove: "a" }]),
    () => store.increment("n"),
    () => store.delete("b"),
    () => store.set("t", "with expiry", { ttlMs: 1_000_000_000 }),
    () => store.set("e", "last"),
  ];
  await note();
  for (const step of steps) {
    step();
    await note();
  }
  store.close();
  return states;
}

function byGeneration(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}

/** A machine on whose disk the store stands, with some of its files changed. */
export function machineWith(
  { files }: Pick<ReferenceStore, "files">,
  changes: Changes,
  { boot = BOOT.boot }: { readonly boot?: number } = {},
): SimulatedMachine {
  const nodes = new Map<string, Node>();
  for (const [name, { inode, modified, bytes }] of files) {
    if (!changes.has(name)) nodes.set(name, new FileNode(inode, modified, bytes));
  }
  let inode = BOOT.nextInode;
  for (const [name, bytes] of changes) {
    // A changed log has another time as well: that is how its index knows.
    if (bytes !== undefined) nodes.set(name, new FileNode(inode++, NOW, bytes));
  }
  const store = new DirectoryNode(nodes);
  const root = new DirectoryNode(new Map([["disk", new DirectoryNode(new Map([["store", store]]))]]));
  return new SimulatedMachine(root, { ...BOOT, boot, nextInode: inode });
}

/** Asks a store everything; anything thrown but a `KvsError` is thrown on. */
export function answersOf(machine: SimulatedMachine, options: OpenOptions = {}): Answers {
  const process = new SimulatedProcess(machine);
  const before = machine.changes;
  let store: KvStore | undefined;
  const ask = (read: (open: KvStore) => unknown): string =>
    attempt(() => {
      store ??= KvStore.openOn(process, STORE, { ...options, readOnly: true });
      return read(store);
    });
  const gets = KEYS.map((key) => ask((open) => latin1(open.getBytes(key))));
  const scans = [
    ask(entriesOf),
    ask((open) => [...open.keys({ reverse: true, encoding: "bytes" })].map(latin1)),
    ask((open) => open.count()),
  ];
  store?.close();
  if (machine.changes !== before) throw new Error("Reading changed something");
  if (process.openFiles > 0) throw new Error(`Reading left ${process.openFiles} files open`);
  return { gets, scans };
}

function entriesOf(store: KvStore): string {
  return JSON.stringify(
    [...store.records()].map(({ key, value, expiresAt }) => [latin1(key), latin1(value), expiresAt]),
  );
}

function latin1(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).latin1Slice();
}

function attempt(read: () => unknown): string {
  try {
    return JSON.stringify(read()) ?? "undefined";
  } catch (error) {
    if (error instanceof KvsError && isRefusal(error)) return damageAt(error);
    throw error;
  }
}

/** A JSON header has no checksum: one of its digits may turn into that of another version. */
function isRefusal({ code }: KvsError): boolean {
  return code === "CORRUPT" || code === "UNSUPPORTED_VERSION";
}

function damageAt({ file, offset }: KvsError): string {
  return `DAMAGE in ${file?.slice(STORE.length + 1)} at ${offset}`;
}

export function isDamage(answer: string): boolean {
  return answer.startsWith("DAMAGE");
}

/** Whether damage is told with its place: a file of the store, and an offset in it. */
export function namesPlace(answer: string, file: string): boolean {
  return new RegExp(`^DAMAGE in ${file.replace(".", "\\.")} at \\d+$`).test(answer);
}

/** Names of the files in which `verify` finds damage, or which it refuses. */
export function damagedFiles(machine: SimulatedMachine): Set<string> {
  const steps = verifyFiles(new SimulatedProcess(machine), STORE);
  const nameOf = (file: string): string => file.slice(STORE.length + 1);
  try {
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return new Set(step.value.damage.map(({ file }) => nameOf(file)));
    }
  } catch (error) {
    if (error instanceof KvsError && isRefusal(error)) return new Set([nameOf(error.file ?? "")]);
    throw error;
  }
}

/** What a store holds once somebody has written to it. */
export async function contentAfterWriting(machine: SimulatedMachine): Promise<string> {
  {
    using store = KvStore.openOn(new SimulatedProcess(machine), STORE, { autoCompact: false });
    store.set("zz", "9");
    await Promise.resolve();
    store.delete("zz");
  }
  using store = KvStore.openOn(new SimulatedProcess(machine), STORE, { readOnly: true });
  return JSON.stringify(entriesOf(store));
}
