import type { Tool } from "../tools.ts";

/** What is done by whole processes, one after another. */
export const ACTS = ["get", "set", "set-durable"] as const;

export type Act = (typeof ACTS)[number];

export const ACT_TITLES: Readonly<Record<Act, string>> = {
  get: "get",
  set: "set, in the operating system",
  "set-durable": "set, on the disk",
};

export interface ProgramKind {
  readonly name: string;
  readonly description: string;
  readonly tools: readonly Tool[];
  /** Makes a store of so many keys in an empty directory. */
  start(directory: string, keys: number): Promise<Program>;
}

/** A program with its store, ready to be timed. */
export interface Program {
  /** The command line for an act, which is always the same. */
  commandOf(act: Act): readonly string[];
  stop(): Promise<void>;
}

/** The value that every act reads or writes. */
export const VALUE: string = "Hello, World! ".repeat(7).trim();
