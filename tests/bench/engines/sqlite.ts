import { Database, type Statement } from "bun:sqlite";
import { join } from "node:path";
import type { Engine, EngineKind, EngineSettings, Entry } from "./engine.ts";

export const sqliteEngine: EngineKind = {
  name: "bun:sqlite",
  description: "WAL, prepared statements; a slice is a transaction; synchronous=OFF, in sync FULL",
  persistent: true,
  create: (settings) => new SqliteEngine(settings),
};

interface Row {
  readonly value: string;
}

interface Statements {
  readonly set: Statement<unknown, [string, string]>;
  readonly get: Statement<Row, [string]>;
  readonly remove: Statement<unknown, [string]>;
  readonly range: Statement<Row, [string, number]>;
}

class SqliteEngine implements Engine {
  readonly #settings: EngineSettings;
  #opened: { readonly database: Database; readonly statements: Statements } | undefined;
  #inSlice = false;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  open(): void {
    const { directory, durability } = this.#settings;
    const database = new Database(join(directory, "store.sqlite"), { create: true, strict: true });
    database.run("PRAGMA journal_mode = WAL");
    database.run(`PRAGMA synchronous = ${durability === "os" ? "OFF" : "FULL"}`);
    database.run("CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    const statements = {
      set: database.query<unknown, [string, string]>("INSERT OR REPLACE INTO kv VALUES (?, ?)"),
      get: database.query<Row, [string]>("SELECT value FROM kv WHERE key = ?"),
      remove: database.query<unknown, [string]>("DELETE FROM kv WHERE key = ?"),
      range: database.query<Row, [string, number]>(
        "SELECT key, value FROM kv WHERE key >= ? ORDER BY key LIMIT ?",
      ),
    };
    this.#opened = { database, statements };
  }

  close(): void {
    this.#store.database.close();
  }

  set(key: string, value: string): void {
    this.#beginSlice();
    this.#store.statements.set.run(key, value);
  }

  get(key: string): string | undefined {
    return this.#store.statements.get.get(key)?.value;
  }

  delete(key: string): void {
    this.#beginSlice();
    this.#store.statements.remove.run(key);
  }

  endSlice(): void {
    if (this.#inSlice) this.#store.database.run("COMMIT");
    this.#inSlice = false;
  }

  batch(entries: readonly Entry[]): void {
    for (const [key, value] of entries) this.set(key, value);
    this.endSlice();
  }

  range(from: string, limit: number): number {
    let count = 0;
    for (const { value } of this.#store.statements.range.iterate(from, limit)) count += value === "" ? 0 : 1;
    return count;
  }

  async setDurably(key: string, value: string): Promise<void> {
    this.#store.statements.set.run(key, value);
  }

  compact(): void {
    this.#store.database.run("VACUUM");
  }

  #beginSlice(): void {
    if (!this.#inSlice) this.#store.database.run("BEGIN");
    this.#inSlice = true;
  }

  get #store(): { readonly database: Database; readonly statements: Statements } {
    if (this.#opened === undefined) throw new Error("The database is not open");
    return this.#opened;
  }
}
