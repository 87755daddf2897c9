/** What a file is opened for; what is created has mode 0600. Nothing is followed, and nothing waited for. */
export type Access = "read" | "append" | "create to append" | "update" | "update or create";

/** What the system tells of a file. */
export interface FileStatus {
  readonly isRegular: boolean;
  /** How many names it has. */
  readonly links: number;
  readonly size: number;
  readonly inode: number;
  /** The file system it is on. */
  readonly device: string;
  /** When it was written to, in whole milliseconds since 1970. */
  readonly modified: number;
}

/**
 * The calls to the operating system that every lookup and every write needs;
 * there are two ways to make them. They throw what `node:fs` throws: an error
 * whose `code` is the system's.
 */
export interface SystemCalls {
  /** The process is about to end, which closes what is open: nothing is started for that. */
  readonly isBrief: boolean;
  /** The path from the root. */
  absolute(path: string): string;
  open(path: string, access: Access): number;
  close(fd: number): void;
  /** Reads into a buffer, from `start` to `end`; fewer bytes where the file ends, and sometimes before. */
  read(fd: number, buffer: Buffer, position: number, start: number, end: number): number;
  /** Writes at a place in the file; how many bytes were written. */
  write(fd: number, bytes: Uint8Array, position: number): number;
  status(fd: number): FileStatus;
  /** Of what a path stands for; undefined where that is nothing. */
  statusOf(path: string): FileStatus | undefined;
  /** Names in a directory. */
  list(directory: string): string[];
  /** Makes a file's content durable. */
  sync(fd: number): void;
}
