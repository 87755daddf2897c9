/**
 * What the works ask of a store. Writes come in slices of 1,000: those of a
 * slice may be gathered and committed together, and are with the operating
 * system when `endSlice` is over, so that every engine gives the same promise.
 */
export interface Engine {
  open(): void | Promise<void>;
  close(): void | Promise<void>;
  set(key: string, value: string): void;
  get(key: string): string | undefined;
  delete(key: string): void;
  endSlice(): void | Promise<void>;
  /** Stores entries all or nothing. */
  batch?(entries: readonly Entry[]): void | Promise<void>;
  /** Reads at most `limit` entries in the order of their keys, from a key on; how many there were. */
  range?(from: string, limit: number): number | Promise<number>;
  /** Stores one value and resolves when it is on the disk; calls may overlap. */
  setDurably?(key: string, value: string): Promise<void>;
  /** Rewrites the store without what is stale. */
  compact?(): void | Promise<void>;
}

export type Entry = readonly [key: string, value: string];

/** What a write has reached when it is acknowledged: the operating system, or the disk. */
export type Durability = "os" | "sync";

export interface EngineSettings {
  /** An engine may put there what it likes; it is empty, or holds the engine's own store. */
  readonly directory: string;
  readonly durability: Durability;
  /** Whether the engine may compact by itself, as it does by default. */
  readonly compactsItself: boolean;
}

export interface EngineKind {
  readonly name: string;
  /** Shown in the report: which settings, and what a slice is. */
  readonly description: string;
  /** Whether a store can be closed and opened again. */
  readonly persistent: boolean;
  /** The npm package of a peer; it is installed before the first use. */
  readonly package?: string;
  create(settings: EngineSettings): Engine | Promise<Engine>;
}
