import { copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { KvStore } from "../../../src/index.ts";
import { presentKey } from "../keys.ts";
import { type Act, type ProgramKind, VALUE } from "./program.ts";

const BINARY = resolve(import.meta.dirname, "../../..", process.env["KVS_BINARY"] ?? "dist/kvs");

export const kvsProgram: ProgramKind = {
  name: "kvs",
  description: "`kvs get`, `kvs set --durability os`, `kvs set`",
  tools: [],
  async start(directory, keys) {
    // Written now, like the yardstick: how the page cache holds a file that was
    // written at another time makes a fifth of the time of so short a run.
    const kvs = join(directory, "kvs");
    copyFileSync(BINARY, kvs);
    const path = join(directory, "store");
    const store = KvStore.open(path);
    for (let index = 0; index < keys; index += 1) store.set(presentKey(index), VALUE);
    store.close();
    const common = ["--dir", path, presentKey(keys >>> 1)];
    const commands: Readonly<Record<Act, readonly string[]>> = {
      get: [kvs, "get", ...common],
      set: [kvs, "set", "--durability", "os", ...common, VALUE],
      "set-durable": [kvs, "set", "--durability", "sync", ...common, VALUE],
    };
    return { commandOf: (act) => commands[act], stop: async () => undefined };
  },
};
