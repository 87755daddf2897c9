/**
 * A process under test: `bun writer-process.ts JOB DIRECTORY [ARGUMENTS]`. What it
 * prints was acknowledged before.
 */
import { writeSync } from "node:fs";
import { KvStore, KvsError, type OpenOptions } from "../../src/index.ts";

const [job = "", directory = "", ...rest] = process.argv.slice(2);

function print(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Increments a counter this many times. */
async function count(times: number, options: OpenOptions): Promise<void> {
  const store = KvStore.open(directory, { waitMs: 30_000, ...options });
  for (let done = 0; done < times; done += 1) {
    store.increment("counter");
    if (done % 3 === 0) await Promise.resolve();
  }
  store.close();
}

/** Writes, removes and compacts under its own prefix until it is killed. */
async function writeUntilKilled(name: string, seed: number, options: OpenOptions): Promise<void> {
  const store = KvStore.open(directory, { waitMs: 30_000, ...options });
  let compacting = false;
  for (let round = 0; ; round += 1) {
    const kind = (round * 7 + seed) % 5;
    const key = `${name}/${round % 17}`;
    print(`try ${round}`);
    if (kind === 0) store.delete(key);
    else if (kind === 1) {
      store.batch([
        { set: [`${name}/x`, String(round)] },
        { set: [`${name}/y`, String(round)] },
        { set: [key, String(round)] },
      ]);
    } else store.set(key, String(round));
    // From the tick's end on it must survive a kill.
    await Promise.resolve();
    await Promise.resolve();
    print(`done ${round}`);
    if (round % 50 === 49 && !compacting && seed % 2 === 0) {
      compacting = true;
      void store.compact().then(
        () => (compacting = false),
        (error: unknown) => {
          compacting = false;
          if (!(error instanceof KvsError && error.code === "LOCKED"))
            print(`failed compact ${String(error)}`);
        },
      );
    }
    if (round % 10 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Whoever is not a writer leaves the processor to writers for so long. */
const PAUSE_MS = 5;

/** Compacts again and again until it is killed. */
async function compactUntilKilled(options: OpenOptions): Promise<void> {
  const store = KvStore.open(directory, { waitMs: 30_000, ...options });
  for (;;) {
    await store.compact().then(
      () => print("done"),
      (error: unknown) => {
        if (!(error instanceof KvsError && error.code === "LOCKED")) throw error;
      },
    );
    await Bun.sleep(PAUSE_MS);
  }
}

/** Reads what the writers write until it is killed: their batches are whole, and never go back in time. */
async function readUntilKilled(options: OpenOptions): Promise<void> {
  using store = KvStore.open(directory, { ...options, readOnly: true });
  const latest = new Map<string, number>();
  for (;;) {
    const found = new Map(store.entries());
    for (const [key, value] of found) {
      if (!key.endsWith("/x")) continue;
      const name = key.slice(0, -"/x".length);
      const other = found.get(`${name}/y`);
      if (other !== value) throw new Error(`${name} has ${value} and ${other} in one batch`);
      const now = Number(store.get(key));
      const before = Math.max(latest.get(name) ?? 0, Number(value));
      if (!(now >= before)) throw new Error(`${name} went back from ${before} to ${now}`);
      latest.set(name, now);
    }
    print("done");
    await Bun.sleep(PAUSE_MS);
  }
}

/** Writes until the first error, then prints its code; goes on with removals. */
async function writeUntilFull(options: OpenOptions): Promise<void> {
  const store = KvStore.open(directory, options);
  for (let round = 0; round < 2000; round += 1) {
    try {
      store.set(`k${round}`, `value ${round} ${"x".repeat(round % 50)}`);
      await store.flush();
      print(`done ${round}`);
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
      print(`failed ${round} ${error.code}`);
      return;
    }
  }
}

/** Sets without waiting for the tick's end, then exits in the middle of something. */
function exitEarly(how: string): void {
  const store = KvStore.open(directory);
  store.set("a", "1");
  if (how === "throw") throw new Error("the program has a bug");
  if (how === "update") store.update("b", () => process.exit(0));
  process.exit(0);
}

const options = JSON.parse(rest.at(-1) ?? "{}") as OpenOptions;
if (job === "count") await count(Number(rest[0]), options);
else if (job === "write") await writeUntilKilled(rest[0] ?? "", Number(rest[1]), options);
else if (job === "compact") await compactUntilKilled(options);
else if (job === "read") await readUntilKilled(options);
else if (job === "fill") await writeUntilFull(options);
else exitEarly(job);
