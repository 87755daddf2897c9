import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";

/** A key: text is stored as its UTF-8 bytes and must be well-formed. At most 65,535 bytes; may be empty. */
export type Key = string | Uint8Array;

/** A value: text or bytes, at most 512 MiB; may be empty. Text comes back the same text, bytes the same bytes. */
export type Value = string | Uint8Array;

export type { LogFormat } from "../format/codec.ts";

/**
 * What a returned write has reached. `os`: the operating system before the
 * tick ends, so it survives the death of the process. `sync`: the disk, so it
 * survives a power cut.
 */
export type Durability = "os" | "sync";

/** Options of `KvStore.open`. */
export interface OpenOptions {
  /** Refuse every write, create nothing. Default false. */
  readonly readOnly?: boolean;
  /** Create the directory and the store if they are missing; without it `NO_STORE` is thrown. Default true. */
  readonly create?: boolean;
  /** Default `os`. */
  readonly durability?: Durability;
  /** Format of a store that this call creates; an existing store keeps its own. Default `binary`. */
  readonly format?: LogFormat;
  /** Size in bytes past which the active log is sealed and the next one started. Default 64 MiB. */
  readonly generationBytes?: number;
  /** Compact in the background, by the two rules below and before there are too many generations. Default true. */
  readonly autoCompact?: boolean;
  /** Compact when stale records take more bytes than this, and more than `compactionRatio`. Default 5 MiB. */
  readonly compactionThreshold?: number;
  /** Compact when stale records take more than this part of what the live ones take. Default 0.5. */
  readonly compactionRatio?: number;
  /** Size of the bloom filters of indexes, in bits a key, at most 64; 0 for none. Default 10: one of a hundred misses is looked at closer. */
  readonly bloomBitsPerKey?: number;
  /** Keep values that were read in memory, up to so many bytes; 0 for none. Default 0. */
  readonly cacheBytes?: number;
  /** Map sealed files into memory; without it they are read. Default true. */
  readonly mmap?: boolean;
  /** Longest wait for the write lock, in milliseconds, before `LOCKED` is thrown. Default 5,000. */
  readonly waitMs?: number;
}

/** Options of `set`. */
export interface SetOptions {
  /** Milliseconds until the key expires; a positive integer. Without it the key never expires. */
  readonly ttlMs?: number;
  /** Store only if the key has no value. */
  readonly ifAbsent?: boolean;
  /** Store only if the key's value is this one, byte for byte. */
  readonly ifEquals?: Value;
}

/** Options of `delete`. */
export interface DeleteOptions {
  /** Remove only if the key's value is this one, byte for byte. */
  readonly ifEquals?: Value;
}

/** One step of a batch. */
export type BatchOperation =
  { readonly set: readonly [key: Key, value: Value]; readonly ttlMs?: number } | { readonly remove: Key };

/** Which keys a scan visits, and in which order. Keys are ordered bytewise. */
export interface RangeOptions {
  /** Only keys that start with these bytes. */
  readonly prefix?: Key;
  /** Only keys at or after this one. */
  readonly from?: Key;
  /** Only keys before this one. */
  readonly to?: Key;
}

/** Options of `entries`, `keys` and `values`. */
export interface ScanOptions extends RangeOptions {
  /** Last key first. Default false. */
  readonly reverse?: boolean;
  /** Stop after this many. */
  readonly limit?: number;
}

/** Options of `compact`. */
export interface CompactOptions {
  /** The format that the store is written in from now on. */
  readonly format?: LogFormat;
  /** Called now and then with how much is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

/** Options of work that takes long. */
export interface ToolOptions {
  /** Called now and then with how much is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
  /** Gives the work up: what it has written is removed, and the signal's reason is thrown. */
  readonly signal?: AbortSignal;
}

/** A record as `records` gives it. */
export interface StoreRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** When it expires, in milliseconds since 1970; null if it never does. */
  readonly expiresAt: number | null;
}

/** Options with every default filled in. */
export type ResolvedOptions = Required<OpenOptions>;

const MOST_BLOOM_BITS = 64;

const DEFAULTS: ResolvedOptions = {
  readOnly: false,
  create: true,
  durability: "os",
  format: "binary",
  generationBytes: 64 * 1024 * 1024,
  autoCompact: true,
  compactionThreshold: 5 * 1024 * 1024,
  compactionRatio: 0.5,
  bloomBitsPerKey: 10,
  cacheBytes: 0,
  mmap: true,
  waitMs: 5000,
};

type Call = "open" | "set" | "delete" | "range" | "scan" | "put" | "remove" | "compact";

/** The names of the options of each call that takes some. */
export const KNOWN_OPTIONS: Readonly<Record<Call, ReadonlySet<string>>> = {
  open: new Set(Object.keys(DEFAULTS)),
  set: new Set(["ttlMs", "ifAbsent", "ifEquals"]),
  delete: new Set(["ifEquals"]),
  range: new Set(["prefix", "from", "to"]),
  scan: new Set(["prefix", "from", "to", "reverse", "limit", "encoding"]),
  put: new Set(["set", "ttlMs"]),
  remove: new Set(["remove"]),
  compact: new Set(["format", "onProgress"]),
};

/** Refuses what is no option of a call: a condition that is misspelt must not be one that is met. */
export function refuseUnknown(options: object, known: ReadonlySet<string>): void {
  for (const name in options) if (!known.has(name)) throw invalid(`"${name}" is not an option`);
}

/** Fills in defaults and refuses what an option cannot be. */
export function resolveOptions(options: OpenOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    readOnly: options.readOnly ?? DEFAULTS.readOnly,
    create: options.create ?? DEFAULTS.create,
    durability: options.durability ?? DEFAULTS.durability,
    format: options.format ?? DEFAULTS.format,
    generationBytes: options.generationBytes ?? DEFAULTS.generationBytes,
    autoCompact: options.autoCompact ?? DEFAULTS.autoCompact,
    compactionThreshold: options.compactionThreshold ?? DEFAULTS.compactionThreshold,
    compactionRatio: options.compactionRatio ?? DEFAULTS.compactionRatio,
    bloomBitsPerKey: options.bloomBitsPerKey ?? DEFAULTS.bloomBitsPerKey,
    cacheBytes: options.cacheBytes ?? DEFAULTS.cacheBytes,
    mmap: options.mmap ?? DEFAULTS.mmap,
    waitMs: options.waitMs ?? DEFAULTS.waitMs,
  };
  refuseUnknown(options, KNOWN_OPTIONS.open);
  checkOneOf("durability", resolved.durability, ["os", "sync"]);
  checkOneOf("format", resolved.format, ["binary", "json"]);
  checkWhole("generationBytes", resolved.generationBytes, 1);
  checkWhole("compactionThreshold", resolved.compactionThreshold, 0);
  if (!(resolved.compactionRatio >= 0))
    throw invalid(`compactionRatio is ${resolved.compactionRatio}, expected a number from 0 on`);
  checkWhole("bloomBitsPerKey", resolved.bloomBitsPerKey, 0);
  if (resolved.bloomBitsPerKey > MOST_BLOOM_BITS)
    throw invalid(`bloomBitsPerKey is ${resolved.bloomBitsPerKey}, expected at most ${MOST_BLOOM_BITS}`);
  checkWhole("cacheBytes", resolved.cacheBytes, 0);
  checkWhole("waitMs", resolved.waitMs, 0);
  return resolved;
}

/** When a key set now expires, in absolute milliseconds; 0 for never. */
export function expiryAfter(ttlMs: number | undefined, now: number): number {
  if (ttlMs === undefined) return 0;
  const expiresAt = now + ttlMs;
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0 && Number.isSafeInteger(expiresAt)) return expiresAt;
  throw invalid(`ttlMs is ${ttlMs}, expected a whole number of milliseconds from 1 on`);
}

function checkOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw invalid(`${name} is "${value}", expected ${allowed.join(" or ")}`);
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalid(`${name} is ${value}, expected a whole number from ${least} on`);
  }
}

function invalid(what: string): KvsError {
  return new KvsError("INVALID_ARGUMENT", `Cannot use options: ${what}`);
}
