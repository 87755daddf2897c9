/** A run that makes every kind of call to the disk: on the one in memory, or, as a process of its own, on the real one. */
import type { Disk } from "../../src/disk/disk.ts";
import { briefDisk } from "../../src/disk/brief-disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { maintainStore } from "../../src/engine/maintain-store.ts";
import { resolveOptions } from "../../src/engine/options.ts";
import { type Durability, KvStore, type LogFormat, type OpenOptions } from "../../src/index.ts";
import { endTick } from "../support/scripted-run.ts";

/** Bytes that a writer which died might have left. */
const TORN_TAIL = Buffer.from("torn");

type Settings = { readonly durability: Durability; readonly format: LogFormat };

/** The clock stands still: else it would depend on the machine when a compaction lets others have their turn. */
export async function tracedRun(disk: Disk, directory: string, settings: Settings): Promise<void> {
  const now = performance.now.bind(performance);
  performance.now = () => 0;
  try {
    await makeEveryCall(disk, directory, settings);
  } finally {
    performance.now = now;
  }
}

async function makeEveryCall(disk: Disk, directory: string, { durability, format }: Settings): Promise<void> {
  const options: OpenOptions = { durability, format, generationBytes: 400, autoCompact: false };
  const store = KvStore.openOn(disk, directory, options);
  // Each in a tick of its own: how long a lock is held within one depends on the machine.
  for (let at = 0; at < 12; at += 1) {
    store.set(`k${at % 5}`, "x".repeat(at * 20));
    await endTick();
  }
  store.delete("k0");
  await endTick();
  store.batch([{ set: ["a", "1"] }, { set: ["b", "2"] }, { remove: "k1" }]);
  await store.flush();
  await store.compact();
  store.set("after", "the compaction");
  await endTick();
  store.close();
  tearNewest(disk, directory);
  const next = KvStore.openOn(disk, directory, options);
  for (let at = 0; at < 6; at += 1) {
    next.append("k2", "y".repeat(100));
    await endTick();
  }
  next.close({ durability: "os" });
  maintainStore(disk, directory, resolveOptions({ ...options, compactionThreshold: 0, compactionRatio: 0 }));
  using reader = KvStore.openOn(disk, directory, { readOnly: true });
  if (reader.get("a") !== "1") throw new Error("The run itself went wrong");
}

function tearNewest(disk: Disk, directory: string): void {
  const numbers = (disk.list(directory) ?? []).flatMap(
    (name) => /^(?<number>\d+)\.log$/.exec(name)?.[1] ?? [],
  );
  const newest = disk.openToAppend(`${directory}/${Math.max(...numbers.map(Number))}.log`);
  newest.append(TORN_TAIL, newest.size());
  newest.close();
}

if (import.meta.main) {
  const [, , directory = "", durability, format, calls] = process.argv;
  await tracedRun(
    // A copy: for the disk itself, work is done in the background, at times of its own.
    { ...(calls === "libc" ? briefDisk() : realDisk) },
    directory,
    { durability: durability === "os" ? "os" : "sync", format: format === "json" ? "json" : "binary" },
  );
}
