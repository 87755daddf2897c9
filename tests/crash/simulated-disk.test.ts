import { describe, expect, test } from "bun:test";
import type { AppendableFile, Disk, LockFile, ReadableFile } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvsError } from "../../src/index.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import {
  afterPowerCut,
  ALL_LOST,
  CONTENT_LOST,
  drawnFate,
  NAMES_LOST,
  NOTHING_LOST,
} from "../support/simulated-disk/power-cut.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const NAMES = ["a", "b", "c"] as const;

/** Files that one process has open, on whichever disk. */
interface Open {
  readable: ReadableFile[];
  appendable: AppendableFile[];
  locks: LockFile[];
}

/** Makes one call, the same on every disk for the same numbers; what came of it, as text. */
function callAtRandom(disk: Disk, root: string, open: Open, random: SeededRandom): string {
  const path = `${root}/${random.pick(NAMES)}`;
  const bytes = Buffer.alloc(random.below(9), random.below(256));
  const [kind, at, which] = [random.below(20), random.below(12), random.below(4)];
  const { readable, appendable, locks } = open;
  try {
    if (kind === 0) return String(disk.list(root)?.toSorted());
    if (kind === 1) return String(disk.list(path));
    if (kind === 2) return keep(readable, disk.openToRead(path));
    if (kind === 3) return keep(appendable, disk.openToAppend(path));
    if (kind === 4) return keep(appendable, disk.create(path));
    if (kind === 5) return keep(locks, disk.openLock(path, { create: at < 6 }));
    if (kind === 6) return String(disk.rename(path, `${root}/${NAMES[which]}`));
    if (kind === 7) return String(disk.unlink(path));
    if (kind === 8) return String(disk.syncDirectory(root));
    if (kind === 9) return String(readable[which]?.read(at, bytes.length).toString("hex"));
    if (kind === 10) return String(readable[which]?.size());
    if (kind === 11) return String(readable[which]?.map()?.bytes.toString("hex"));
    if (kind <= 14)
      return String(appendable[which]?.append(bytes, appendable[which].size() + (at === 0 ? 1 : 0)));
    if (kind === 15) return String(appendable[which]?.truncate(at));
    if (kind === 16) return String(locks[which]?.tryLock());
    if (kind === 17) return String(locks[which]?.unlock());
    if (kind === 18) return String(locks[which]?.isCurrent());
    locks[which]?.write(at, bytes);
    return String(locks[which]?.read(0, 20).toString("hex"));
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    return `${error.code} ${(error.cause as { code?: string } | undefined)?.code}`;
  }
}

function keep<T extends { close(): void }>(files: T[], file: T | undefined): string {
  if (file === undefined) return "none";
  files.unshift(file);
  for (const old of files.splice(4)) old.close();
  return "open";
}

function closeAll({ readable, appendable, locks }: Open): void {
  for (const file of [...readable, ...appendable, ...locks]) file.close();
}

function newProcess(): SimulatedProcess {
  return new SimulatedProcess(SimulatedMachine.create());
}

describe("the simulated disk", () => {
  test("answers every call as the real one does", () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const root = temporaryDirectory();
      const [real, simulated] = [seededRandom(seed), seededRandom(seed)];
      const realOpen: Open = { readable: [], appendable: [], locks: [] };
      const simulatedOpen: Open = { readable: [], appendable: [], locks: [] };
      const process = newProcess();
      for (let step = 0; step < 100; step += 1) {
        const wanted = callAtRandom(realDisk, root, realOpen, real);
        const found = callAtRandom(process, "/disk", simulatedOpen, simulated);
        expect(`seed ${seed}, step ${step}: ${found}`).toBe(`seed ${seed}, step ${step}: ${wanted}`);
      }
      closeAll(realOpen);
      closeAll(simulatedOpen);
      expect(process.openFiles).toBe(0);
    }
  });

  test("keeps what was written though the caller uses its buffer again", () => {
    const process = new SimulatedProcess(SimulatedMachine.create());
    const file = process.create("/disk/file");
    const buffer = Buffer.from("written");
    file.append(buffer, 0);
    buffer.fill("x");
    file.sync();
    const machine = afterPowerCut(process.machine.capture(), ALL_LOST);
    expect(machine.find("/disk/file")).toBeUndefined();
    process.syncDirectory("/disk");
    const kept = afterPowerCut(process.machine.capture(), ALL_LOST);
    expect(kept.file("/disk/file")?.read(0, 9).toString()).toBe("written");
  });

  test("frees the locks of a process that dies, and answers it no more", () => {
    const process = newProcess();
    const lock = process.openLock("/disk/LOCK", { create: true });
    expect(lock?.tryLock()).toBe(true);
    const other = new SimulatedProcess(process.machine).openLock("/disk/LOCK", { create: false });
    expect(other?.tryLock()).toBe(false);
    process.kill();
    expect(other?.tryLock()).toBe(true);
    expect(() => lock?.read(0, 1)).toThrow("after the death");
    expect(() => process.list("/disk")).toThrow("after the death");
  });

  test("keeps a removed file for those who have it open", () => {
    const process = newProcess();
    process.create("/disk/a").append(Buffer.from("text"), 0);
    const file = process.openToRead("/disk/a");
    process.unlink("/disk/a");
    process.create("/disk/a").append(Buffer.from("other"), 0);
    expect(file?.read(0, 9).toString()).toBe("text");
  });
});

/** The content of each file. */
function filesOf(machine: SimulatedMachine): Record<string, string> {
  const process = new SimulatedProcess(machine);
  const names = process.list("/disk") ?? [];
  return Object.fromEntries(
    names.map((name) => [name, process.openToRead(`/disk/${name}`)?.read(0, 99_999).toString() ?? ""]),
  );
}

describe("a power cut on the simulated disk", () => {
  /** `kept` has a durable name and content, `grown` more content than that, `named` a new name, `fresh` nothing. */
  function example(): SimulatedProcess {
    const process = newProcess();
    const files = ["kept", "grown", "old"].map((name) => process.create(`/disk/${name}`));
    for (const file of files) file.append(Buffer.from("12"), 0);
    for (const file of files) file.sync();
    process.syncDirectory("/disk");
    files[1]?.append(Buffer.from("34"), 2);
    process.rename("/disk/old", "/disk/named");
    process.create("/disk/fresh").append(Buffer.from("1"), 0);
    return process;
  }

  test("takes what was not synced, or leaves it", () => {
    const state = example().machine.capture();
    expect(filesOf(afterPowerCut(state, NOTHING_LOST))).toEqual({
      kept: "12",
      grown: "1234",
      named: "12",
      fresh: "1",
    });
    expect(filesOf(afterPowerCut(state, ALL_LOST))).toEqual({ kept: "12", grown: "12", old: "12" });
    expect(filesOf(afterPowerCut(state, NAMES_LOST))).toEqual({ kept: "12", grown: "1234", old: "12" });
    expect(filesOf(afterPowerCut(state, CONTENT_LOST))).toEqual({
      kept: "12",
      grown: "12",
      named: "12",
      fresh: "",
    });
  });

  test("leaves each name and each content to chance, in every combination", () => {
    const state = example().machine.capture();
    const random = seededRandom(1);
    const seen = new Set<string>();
    for (let draw = 0; draw < 2000; draw += 1) {
      const files = filesOf(afterPowerCut(state, drawnFate(random, { noise: false })));
      expect(files["kept"]).toBe("12");
      expect(files["old"] ?? files["named"]).toBe("12");
      seen.add(`${files["grown"]} ${"named" in files} ${"fresh" in files}`);
    }
    const contents = ["12", "123", "1234", "12\0\0"];
    const flags = ["true true", "true false", "false true", "false false"];
    for (const content of contents) for (const flag of flags) expect(seen).toContain(`${content} ${flag}`);
  });

  test("does not make a file's name durable when its content is synced, nor the reverse", () => {
    const process = newProcess();
    const file = process.create("/disk/a");
    file.append(Buffer.from("1"), 0);
    file.sync();
    expect(filesOf(afterPowerCut(process.machine.capture(), ALL_LOST))).toEqual({});
    process.syncDirectory("/disk");
    file.append(Buffer.from("2"), 1);
    expect(filesOf(afterPowerCut(process.machine.capture(), ALL_LOST))).toEqual({ a: "1" });
  });

  test("takes what a failed sync had lost, though everybody could read it, and a later sync succeeded", () => {
    let fails = false;
    const process = new SimulatedProcess(SimulatedMachine.create(), ({ method }) =>
      fails && method === "append.sync" ? { error: new KvsError("IO", "injected") } : undefined,
    );
    const file = process.create("/disk/a");
    process.syncDirectory("/disk");
    file.append(Buffer.from("1"), 0);
    fails = true;
    expect(() => file.sync()).toThrow("injected");
    fails = false;
    file.append(Buffer.from("2"), 1);
    file.sync();
    expect(filesOf(process.machine)).toEqual({ a: "12" });
    expect(filesOf(SimulatedMachine.afterDeaths(process.machine.capture()))).toEqual({ a: "12" });
    expect(filesOf(afterPowerCut(process.machine.capture(), NOTHING_LOST))).toEqual({ a: "\u00002" });
  });

  test("is another boot; the death of all processes is not", () => {
    const { machine } = newProcess();
    expect(SimulatedMachine.afterDeaths(machine.capture()).bootId).toBe(machine.bootId);
    expect(afterPowerCut(machine.capture(), ALL_LOST).bootId).not.toBe(machine.bootId);
  });
});
