import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { KvStore, repairStore } from "../../src/index.ts";
import { contentOf } from "../support/damage.ts";
import { fastDisk } from "../support/hooked-disk.ts";
import { newStorePath } from "../support/temporary.ts";

/** Repairs into a new store; its keys, and what was lost. */
async function repaired(
  path: string,
): Promise<{ keys: string[]; lost: Awaited<ReturnType<typeof repairStore>>["lost"] }> {
  const to = newStorePath();
  const { lost } = await repairStore(path, to);
  return { keys: contentOf(to).map(([key]) => key), lost };
}

/** Puts other bytes in the place of the first of a text. */
function replace(path: string, text: string, by: Buffer): void {
  const bytes = readFileSync(path);
  by.copy(bytes, bytes.indexOf(text));
  writeFileSync(path, bytes);
}

describe("of a damaged command of a text log", () => {
  const COMMAND = '{"Set":{"key":"bb","value":"2"}}';

  test.each<[string, string | Buffer, string[]]>([
    ["its value is damaged", '{"Set":{"key":"bb","value":#2"}}', ["bb"]],
    ["its key is no JSON any more", '{"Set":{"key":"\\q","value":"2"}}', []],
    ["it does not start as a command", '#"Set":{"key":"bb","value":"2"}}', []],
    ["it is no text", Buffer.from('{"Set":{"key":"b\u00ff","value":"2"}}', "latin1"), []],
  ])("the key is named unless that is lost: %s", async (_, damaged, keys) => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path, { format: "json" });
      store.set("a", "1");
      store.set("bb", "2");
      store.set("c", "3");
    }
    replace(join(path, "1.log"), COMMAND, Buffer.from(damaged));
    const result = await repaired(path);
    expect(result.keys).toEqual(["a", "c"]);
    expect(result.lost.map((loss) => [loss.bytes, loss.keys])).toEqual([[COMMAND.length + 1, keys]]);
  });
});

describe("a repair", () => {
  test("tells how much the newest log lacks of what was written to it", async () => {
    const path = newStorePath();
    const log = join(path, "1.log");
    using store = KvStore.openOn(fastDisk(), path);
    store.set("kept", "1");
    store.flushSync();
    const { size } = statSync(log);
    store.set("lost", "2");
    store.close();
    const lacking = statSync(log).size - size;
    truncateSync(log, size);
    const { keys, lost } = await repaired(path);
    expect(keys).toEqual(["kept"]);
    expect(lost).toEqual([
      {
        file: log,
        offset: size,
        bytes: lacking,
        reason: "the log breaks off before what was written to it",
        keys: [],
      },
    ]);
  });

  test("writes a log of megabytes anew, but for the one damaged record", async () => {
    const path = newStorePath();
    const names = Array.from({ length: 300 }, (_, number) => `k${number}`);
    {
      using store = KvStore.openOn(fastDisk(), path, { autoCompact: false });
      for (const name of names) store.set(name, `${name}:`.padEnd(10_000, "x"));
    }
    replace(join(path, "1.log"), "k77:", Buffer.from("####"));
    const to = newStorePath();
    const { lost } = await repairStore(path, to);
    expect(lost.map(({ keys }) => keys)).toEqual([["k77"]]);
    const expected = names
      .filter((name) => name !== "k77")
      .map((name): [string, string] => [name, `${name}:`.padEnd(10_000, "x")]);
    expect(new Map(contentOf(to))).toEqual(new Map(expected));
  });

  test("makes one loss of damaged records that are neighbours, with the keys of both", async () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path);
      for (const key of ["a", "b", "c", "d"]) store.set(key, `value of ${key}`);
    }
    for (const key of ["b", "c"]) replace(join(path, "1.log"), `value of ${key}`, Buffer.from("#"));
    const { keys, lost } = await repaired(path);
    expect(keys).toEqual(["a", "d"]);
    expect(lost.map((loss) => loss.keys)).toEqual([["b", "c"]]);
  });

  test("keeps what stands behind the empty line of a text log: nothing proves that it is the seal", async () => {
    const path = newStorePath();
    {
      using store = KvStore.openOn(fastDisk(), path, { format: "json", generationBytes: 1 });
      store.set("a", "1");
    }
    appendFileSync(join(path, "1.log"), '{"Set":{"key":"b","value":"2"}}\n');
    const { keys, lost } = await repaired(path);
    expect(keys).toEqual(["a", "b"]);
    expect(lost.map(({ file }) => basename(file))).toEqual([]);
  });
});
