/** One call of a process to its disk. */
export interface DiskCall {
  /** Counts from 0, for each process. */
  readonly index: number;
  /** As `rename`; of files as `append.sync`, `readable.read`, `lock.write`. */
  readonly method: string;
  readonly path: string;
  /** How many bytes are written, or where the file is cut. */
  readonly bytes: number;
}

/** What becomes of a call: nothing special, or an error after some of its bytes were written. */
export type Verdict = { readonly error: Error; readonly writeFirst?: number } | undefined;

/** Decides on every call before it is carried out. */
export type Decide = (call: DiskCall) => Verdict;

/** A process that died in the middle of a call. */
export class Death extends Error {
  override readonly name: string = "Death";
}
