import { join } from "node:path";
import { sqliteEngine } from "../engines/sqlite.ts";
import { presentKey } from "../keys.ts";
import { type Act, type ProgramKind, VALUE } from "./program.ts";

export const sqliteProgram: ProgramKind = {
  name: "sqlite3",
  description: "one statement in WAL mode; `PRAGMA synchronous = OFF`, or FULL",
  tools: [{ command: "sqlite3", package: "sqlite3" }],
  async start(directory, keys) {
    const engine = await sqliteEngine.create({ directory, durability: "os", compactsItself: true });
    await engine.open();
    for (let index = 0; index < keys; index += 1) engine.set(presentKey(index), VALUE);
    await engine.endSlice();
    await engine.close();
    const key = presentKey(keys >>> 1);
    const insert = `INSERT OR REPLACE INTO kv VALUES ('${key}', '${VALUE}')`;
    const statements: Readonly<Record<Act, string>> = {
      get: `SELECT value FROM kv WHERE key = '${key}'`,
      set: `PRAGMA synchronous = OFF; ${insert}`,
      "set-durable": `PRAGMA synchronous = FULL; ${insert}`,
    };
    return {
      commandOf: (act) => ["sqlite3", join(directory, "store.sqlite"), statements[act]],
      stop: async () => undefined,
    };
  },
};
