import { KvsError } from "../format/errors.ts";

/** What the system's error codes mean to the person who reads the message. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file-size limit is reached",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link",
  EMFILE: "this process has too many files open",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "the system has too many files open",
  ENOENT: "no such file or directory",
  ENOLCK: "the system or the file system has no lock to give (ENOLCK)",
  ENOSPC: "no space left on device",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
};

/** The system's code of an error, as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** An `IO` error for a failed action on a file. */
export function ioError(action: string, path: string, cause: unknown): KvsError {
  const code = systemCode(cause);
  const reason = (code === undefined ? undefined : EXPLANATIONS[code]) ?? messageOf(cause);
  return new KvsError("IO", `Cannot ${action} "${path}": ${reason}`, { file: path, cause });
}

/** Runs one call to the system; what it throws becomes an `IO` error. */
export function system<T>(action: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof KvsError ? error : ioError(action, path, error);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
