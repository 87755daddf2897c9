import { basename, dirname } from "node:path";
import type { DiskCall } from "../support/simulated-disk/call.ts";

/** What strace is to show: all that opens, changes or syncs a file. Reads change nothing. */
export const TRACED: string =
  "openat mkdir mkdirat write pwrite64 writev pwritev pwritev2 ftruncate truncate fallocate fdatasync fsync sync_file_range rename renameat renameat2 link linkat unlink unlinkat flock"
    .split(" ")
    // Not every processor's system has all of them.
    .map((name) => `?${name}`)
    .join(",");

/** Calls of strace's output that concern a directory, its parent and what is in it, in the words of `textOfCall`. */
export function systemCalls(trace: string, directory: string): string[] {
  return wholeLines(trace).flatMap((line) => {
    const call = /^\d+ +(?<name>\w+)\((?<rest>.*)$/.exec(line)?.groups;
    if (call?.["rest"]?.includes(dirname(directory)) !== true) return [];
    return textOfSystemCall(call["name"] ?? "", call["rest"], directory) ?? [];
  });
}

/** A call to the simulated disk; undefined for those that only look at a file. */
export function textOfCall({ method, path, bytes }: DiskCall): string | undefined {
  const name = basename(path);
  switch (method) {
    case "append.append":
      return `append ${name} ${bytes}`;
    case "lock.write":
      return `write ${name} ${bytes}`;
    case "append.truncate":
      return `truncate ${name} ${bytes}`;
    case "append.beginWriteBack":
      return `write back ${name}`;
    case "append.sync":
    case "append.syncInBackground":
    case "lock.sync":
      return `sync ${name}`;
    case "openToRead":
    case "openToAppend":
      return `open ${name}`;
    case "lock.tryLock":
      return `lock ${name}`;
    case "syncDirectory":
      return `sync ${name}`;
    case "create":
    case "list":
    case "makeDirectory":
    case "openLock":
    case "rename":
    case "unlink":
      return `${method} ${name}`;
    default:
      return undefined;
  }
}

function textOfSystemCall(name: string, rest: string, directory: string): string | undefined {
  const paths = [...rest.matchAll(/"(?<path>\/[^"]*)"/g)].map((match) => match.groups?.["path"] ?? "");
  const of = basename(paths.at(-1) ?? "");
  // With -y, the file behind a descriptor is named.
  const file = basename(/^\d+<(?<path>[^>]*)>/.exec(rest)?.groups?.["path"] ?? "");
  const result = Number(/= (?<result>-?\d+)/.exec(rest)?.groups?.["result"]);
  switch (name) {
    case "openat":
      return textOfOpen(rest, paths[0] ?? "", directory);
    case "mkdir":
      return `makeDirectory ${of}`;
    case "write":
      return `append ${file} ${result}`;
    case "pwrite64":
      return `write ${file} ${result}`;
    case "ftruncate":
      return `truncate ${file} ${/, (?<size>\d+)\)/.exec(rest)?.groups?.["size"]}`;
    case "fdatasync":
      return `sync ${file}`;
    case "sync_file_range":
      return `write back ${file}`;
    case "flock":
      return rest.includes("LOCK_UN") ? undefined : `lock ${file}`;
    case "rename":
    case "unlink":
      return `${name} ${of}`;
    default:
      return `${name} ${of || file}, which the engine does not ask for`;
  }
}

function textOfOpen(rest: string, path: string, directory: string): string | undefined {
  const name = basename(path);
  // Maps are made of files that are open, and directories opened to be synced.
  if (!path.startsWith(directory)) return undefined;
  if (rest.includes("O_DIRECTORY")) return `list ${name}`;
  if (path === directory) return undefined;
  if (rest.includes("O_TRUNC") || rest.includes("O_EXCL")) return `create ${name}`;
  return rest.includes("O_RDWR") ? `openLock ${name}` : `open ${name}`;
}

/** Calls that another thread interrupted are put together again, where they ended. */
function wholeLines(trace: string): string[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((line) => {
    const thread = /^\d+/.exec(line)?.[0] ?? "";
    if (line.endsWith("<unfinished ...>")) {
      begun.set(thread, line.slice(0, -"<unfinished ...>".length));
      return [];
    }
    const resumed = /^\d+ +<\.\.\. \w+ resumed>(?<rest>.*)$/.exec(line)?.groups?.["rest"];
    return [resumed === undefined ? line : `${begun.get(thread)}${resumed}`];
  });
}
