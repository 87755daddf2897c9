import * as fs from "node:fs";
import { resolve } from "node:path";
import { writeFully } from "./write-fully.ts";
import { system, systemCode } from "./system-error.ts";

/** Why no file can be put beside another one, though that one may be written to. */
const NO_PLACE_BESIDE: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENAMETOOLONG",
]);
const PERMISSIONS = 0o777;

/** A path there stands for a file that others have open, or for no file at all. */
const NO_PLACE_FOR_FILES = /^\/(dev|proc)\//;

/**
 * Gives a file these bytes, all or none: they are written beside it and take its
 * place by a rename, so that nobody reads a part of them and a full disk leaves
 * what was there. What has to stay the file that it is, is written in place.
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const file = new FileReplacement(path);
  try {
    writeFully(file.open(), bytes, file.name);
    file.finish();
  } finally {
    file.discard();
  }
}

/** A file that is written anew, beside what is there until it is finished. */
export class FileReplacement {
  /** The file, for messages. */
  readonly name: string;
  readonly #path: string;
  readonly #existing: fs.Stats | undefined;
  readonly #mode: number | undefined;
  #beside: string | undefined;
  #fd: number | undefined;

  /** `mode` is for a file that is not there yet. */
  constructor(path: string, mode?: number) {
    this.name = `"${path}"`;
    this.#mode = mode;
    this.#path = this.#system("open", () => followLinks(path));
    this.#existing = this.#system("open", () => fs.lstatSync(this.#path, { throwIfNoEntry: false }));
    if (mayReplace(this.#path, this.#existing)) this.#beside = nameBeside(this.#path);
  }

  /** False for what has to be written in place. */
  get isBeside(): boolean {
    return this.#beside !== undefined;
  }

  /** Where to write. */
  open(): number {
    const path = this.#beside;
    if (path !== undefined) this.#fd = this.#system("open", () => createBeside(path, this.#mode));
    if (this.#fd === undefined) return this.#openInPlace();
    const fd = this.#fd;
    const { mode } = this.#existing ?? {};
    if (mode !== undefined) this.#system("write", () => fs.fchmodSync(fd, mode & PERMISSIONS));
    return fd;
  }

  /** Puts what was written into place; with `isDurable`, once it is on the disk. */
  finish({ isDurable = false }: { readonly isDurable?: boolean } = {}): void {
    const [fd, beside] = [this.#fd, this.#beside];
    if (isDurable && fd !== undefined && beside !== undefined) this.#system("write", () => fs.fsyncSync(fd));
    this.#close();
    if (beside === undefined) return;
    try {
      fs.renameSync(beside, this.#path);
    } catch {
      // What cannot be renamed over, as a file that is mounted by itself.
      this.#system("write", () => fs.copyFileSync(beside, this.#path));
    }
  }

  /** Leaves nothing of what was not put into place. */
  discard(): void {
    this.#close();
    if (this.#beside !== undefined) fs.rmSync(this.#beside, { force: true });
  }

  #openInPlace(): number {
    this.#beside = undefined;
    this.#fd = this.#system("open", () => fs.openSync(this.#path, "w", this.#mode));
    return this.#fd;
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#system("close", () => fs.closeSync(fd));
  }

  #system<T>(action: string, call: () => T): T {
    return system(`${action} ${this.name}`, call);
  }
}

/** The file that a path leads to, where it may be another one. */
function followLinks(path: string): string {
  const isLink = fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink || NO_PLACE_FOR_FILES.test(resolve(path))) return path;
  try {
    return fs.realpathSync(path);
  } catch {
    // It leads nowhere yet.
    return path;
  }
}

/**
 * Not a pipe or a device; not a link; not a file with another name or owner, which
 * the new one would not have; and nothing that is protected from being written.
 */
function mayReplace(path: string, existing: fs.Stats | undefined): boolean {
  if (existing === undefined) return path !== "";
  if (!existing.isFile() || existing.nlink > 1 || existing.uid !== process.geteuid?.()) return false;
  try {
    fs.accessSync(path, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function nameBeside(path: string): string {
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  return `${directory}.kvs-${Math.random().toString(36).slice(2)}.tmp`;
}

/** A new file; undefined where none can be. */
function createBeside(path: string, mode: number | undefined): number | undefined {
  try {
    return fs.openSync(path, "wx", mode);
  } catch (error) {
    if (NO_PLACE_BESIDE.has(systemCode(error))) return undefined;
    throw error;
  }
}
