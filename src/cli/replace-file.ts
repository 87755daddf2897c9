import * as fs from "node:fs";
import { writeFully } from "./output.ts";
import { system, systemCode } from "./system-error.ts";

/** Why no file can be put beside another one, though that one may be written to. */
const NO_PLACE_BESIDE: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENAMETOOLONG",
]);
const PERMISSIONS = 0o777;

/**
 * Gives a file these bytes, all or none: they are written beside it and take its
 * place by a rename, so that nobody reads a part of them and a full disk leaves
 * what was there. What has to stay the file that it is, is written in place.
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const existing = system(`open "${path}"`, () => fs.lstatSync(path, { throwIfNoEntry: false }));
  if (!mayReplace(path, existing) || !putInPlace(path, existing?.mode, bytes)) writeInPlace(path, bytes);
}

/**
 * Not a pipe or a device; not a link, as /dev/stdout is one to a file that others
 * have open; not a file with another name or owner, which the new one would not
 * have; and nothing that is protected from being written.
 */
function mayReplace(path: string, existing: fs.Stats | undefined): boolean {
  if (existing === undefined) return true;
  if (!existing.isFile() || existing.nlink > 1 || existing.uid !== process.geteuid?.()) return false;
  try {
    fs.accessSync(path, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** False where that cannot be, and nothing was changed. */
function putInPlace(path: string, mode: number | undefined, bytes: Uint8Array): boolean {
  const name = `"${path}"`;
  const beside = `${path.slice(0, path.lastIndexOf("/") + 1)}.kvs-${Math.random().toString(36).slice(2)}.tmp`;
  const fd = system(`open ${name}`, () => createBeside(beside));
  if (fd === undefined) return false;
  let isPlaced = false;
  try {
    try {
      if (mode !== undefined) system(`write ${name}`, () => fs.fchmodSync(fd, mode & PERMISSIONS));
      writeFully(fd, bytes, name);
    } finally {
      system(`close ${name}`, () => fs.closeSync(fd));
    }
    isPlaced = tryRename(beside, path);
    return isPlaced;
  } finally {
    if (!isPlaced) fs.rmSync(beside, { force: true });
  }
}

function createBeside(path: string): number | undefined {
  try {
    return fs.openSync(path, "wx");
  } catch (error) {
    if (NO_PLACE_BESIDE.has(systemCode(error))) return undefined;
    throw error;
  }
}

/** False for what cannot be renamed over, as a file that is mounted by itself. */
function tryRename(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function writeInPlace(path: string, bytes: Uint8Array): void {
  const name = `"${path}"`;
  const fd = system(`open ${name}`, () => fs.openSync(path, "w"));
  try {
    writeFully(fd, bytes, name);
  } finally {
    system(`close ${name}`, () => fs.closeSync(fd));
  }
}
