import type { Key, ScanOptions, SetOptions } from "../../engine/options.ts";
import type { Access, Awaitable, StoreClient } from "../client.ts";
import { parseInteger } from "../commands/incr.ts";
import { parseLimit } from "../commands/list.ts";
import { parseTtl } from "../duration.ts";
import { UsageError } from "../failures.ts";
import { type Flags, type RequestShape, textOf } from "./request.ts";

/** A reply: a word that says how it went, and what was asked for: bytes, or text of ASCII alone. */
export type Reply = readonly [word: "ok" | "no" | "none" | "value" | "list" | "error", ...fields: Field[]];
type Field = Uint8Array | string;

/** A request that sessions understand. Without a client there is no store, which nothing was set in. */
export interface RequestKind extends RequestShape {
  readonly access: Access;
  answer(client: StoreClient | undefined, fields: readonly Key[], flags: Flags): Awaitable<Reply>;
}

const OK: Reply = ["ok"];
const NO: Reply = ["no"];
const NONE: Reply = ["none"];

/** Records in a reply to `list`, unless the request says otherwise. */
const RECORDS_A_PAGE = 1000;
/** A reply to `list` ends with the record that takes it past this. */
const PAGE_BYTES = 1024 * 1024;

/** Requests by their names. */
export const REQUESTS: ReadonlyMap<string, RequestKind> = new Map(
  Object.entries<RequestKind>({
    get: {
      access: "read",
      operands: ["KEY"],
      answer: (client, [, key = ""]) => after(client?.get(key), valueOrNone),
    },
    exists: {
      access: "read",
      operands: ["KEY"],
      answer: (client, [, key = ""]) => after(client?.has(key), okOrNone),
    },
    set: {
      access: "create",
      operands: ["KEY", "VALUE"],
      flags: ["--ttl=", "--if-absent", "--if-equals="],
      answer: (client, [, key = "", value = ""], flags) =>
        after(client?.set(key, value, setOptions(flags)), (done) => (done === true ? OK : NO)),
    },
    rm: { access: "change", operands: ["KEY"], flags: ["--if-equals=", "--print"], answer: remove },
    incr: {
      access: "create",
      operands: ["KEY", "BY"],
      optional: true,
      answer: (client, [, key = "", by = "1"]) =>
        after(client?.increment(key, parseInteger(textOf(by))), (sum) => ["value", String(sum)]),
    },
    append: {
      access: "create",
      operands: ["KEY", "VALUE"],
      answer: (client, [, key = "", value = ""]) => after(client?.append(key, value), () => OK),
    },
    ttl: {
      access: "read",
      operands: ["KEY"],
      answer: (client, [, key = ""]) => after(client?.ttl(key), ttlReply),
    },
    expire: {
      access: "change",
      operands: ["KEY", "DURATION"],
      answer: (client, [, key = "", duration = ""]) => {
        const ttlMs = parseTtl(textOf(duration), "DURATION");
        return after(client?.expire(key, ttlMs), okOrNone);
      },
    },
    persist: {
      access: "change",
      operands: ["KEY"],
      answer: (client, [, key = ""]) => after(client?.persist(key), okOrNone),
    },
    count: {
      access: "read",
      operands: [],
      flags: ["--prefix="],
      answer: (client, _, flags) =>
        after(client?.count(scanOptions(flags)), (found) => ["value", String(found ?? 0)]),
    },
    list: {
      access: "read",
      operands: [],
      flags: ["--prefix=", "--from=", "--to=", "--reverse", "--limit=", "--keys"],
      answer: list,
    },
  }),
);

/** Only a client far away makes us wait: an await ends the tick, and with it what writes share. */
function after<T, U>(value: Awaitable<T>, change: (value: T) => U): Awaitable<U> {
  return value instanceof Promise ? value.then(change) : change(value);
}

function valueOrNone(value: Uint8Array | undefined): Reply {
  return value === undefined ? NONE : ["value", value];
}

function okOrNone(done: boolean | undefined): Reply {
  return done === true ? OK : NONE;
}

function ttlReply(left: number | null | undefined): Reply {
  return left === undefined ? NONE : ["value", left === null ? "-" : String(Math.ceil(left))];
}

function setOptions(flags: Flags): SetOptions {
  const ttl = flags.get("--ttl=");
  const expected = flags.get("--if-equals=");
  return {
    ...(ttl === undefined ? {} : { ttlMs: parseTtl(textOf(ttl), "--ttl") }),
    ...(flags.has("--if-absent") ? { ifAbsent: true } : {}),
    ...(expected === undefined ? {} : { ifEquals: expected }),
  };
}

function remove(
  client: StoreClient | undefined,
  [, key = ""]: readonly Key[],
  flags: Flags,
): Awaitable<Reply> {
  const expected = flags.get("--if-equals=");
  if (expected === undefined) {
    return flags.has("--print")
      ? after(client?.take(key), valueOrNone)
      : after(client?.delete(key), okOrNone);
  }
  if (flags.has("--print")) throw new UsageError("--if-equals= and --print exclude each other");
  return after(client?.delete(key, { ifEquals: expected }), (done) => (done === true ? OK : NO));
}

async function list(client: StoreClient | undefined, _: readonly Key[], flags: Flags): Promise<Reply> {
  const limit = flags.get("--limit=");
  const range = {
    ...scanOptions(flags),
    limit: limit === undefined ? RECORDS_A_PAGE : parseLimit(textOf(limit)),
  };
  const fields: Field[] = [];
  let bytes = 0;
  for await (const record of client === undefined ? [] : recordsOf(client, range, flags)) {
    fields.push(...record);
    for (const field of record) bytes += field.length;
    if (bytes > PAGE_BYTES) break;
  }
  return ["list", ...fields];
}

async function* recordsOf(
  client: StoreClient,
  range: ScanOptions,
  flags: Flags,
): AsyncGenerator<readonly Uint8Array[]> {
  if (flags.has("--keys")) for await (const key of client.keys(range)) yield [key];
  else yield* client.entries(range);
}

function scanOptions(flags: Flags): ScanOptions {
  const [prefix, from, to] = [flags.get("--prefix="), flags.get("--from="), flags.get("--to=")];
  return {
    ...(prefix === undefined ? {} : { prefix }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(flags.has("--reverse") ? { reverse: true } : {}),
  };
}
