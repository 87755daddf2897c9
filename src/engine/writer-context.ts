import type { Disk } from "../disk/disk.ts";
import type { Generations } from "./generations.ts";
import type { WriteLock } from "./write-lock.ts";

/** The parts of a handle that a writer works with. */
export interface WriterContext {
  readonly disk: Disk;
  readonly directory: string;
  readonly generations: Generations;
  readonly lock: WriteLock;
  /** Size of the bloom filters of indexes that are made. */
  readonly bloomBitsPerKey: number;
  /** Whether files may be mapped. */
  readonly mmap: boolean;
}
