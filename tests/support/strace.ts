import { readFileSync } from "node:fs";
import type { Command } from "./session.ts";

/** Tests that trace run on Linux alone. */
export const isLinux: boolean = process.platform === "linux";

/** A system call of a thread: its how-manieth of that name. */
export interface Call {
  readonly name: string;
  readonly nth: number;
  /** Which file it was about, for people. */
  readonly file: string;
}

/** What changes files, and what orders changes; a `?` is for those that a machine may not have. */
const CHANGING = [
  ..."openat ?mkdir mkdirat write pwrite64 writev pwritev fdatasync fsync ftruncate fallocate".split(" "),
  ..."?rename renameat renameat2 ?link linkat ?unlink unlinkat flock close copy_file_range sendfile".split(
    " ",
  ),
];

const READING = "pread64 read statx ?newfstatat fstat getdents64".split(" ");

const TRACED = [...CHANGING, ...READING].join(",");

/** What happens at a call: the process is killed before it, or it fails, this time or from now on. */
export type Injection = "signal=SIGKILL" | `error=${string}`;

export function requireStrace(): void {
  if (Bun.which("strace") === null) throw new Error("Cannot trace: strace is not installed");
}

/**
 * The same command with something injected at a call of it, in whichever of its threads comes first. With `paths` only
 * calls about these count, and are hit: the runtime's own calls differ from run to run, and it dies of some that fail.
 */
export function injecting(
  command: Command,
  { name, nth }: Pick<Call, "name" | "nth">,
  what: Injection,
  { forEver = false, paths = [] }: { readonly forEver?: boolean; readonly paths?: readonly string[] } = {},
): Command {
  const when = `${nth}${forEver ? "+" : ""}`;
  const expressions = [`trace=${name}`, `inject=${name}:${what}:when=${when}`];
  return traced(command, "/dev/null", expressions, paths);
}

/** The same command, with all its calls written to a file. */
export function recording(command: Command, output: string): Command {
  return traced(command, output, [`trace=${TRACED}`]);
}

/** With `--seccomp-bpf` it would be faster, but signals would not be injected. */
function traced(
  { argv, env }: Command,
  output: string,
  expressions: readonly string[],
  paths: readonly string[] = [],
): Command {
  requireStrace();
  const flags = [...expressions.flatMap((each) => ["-e", each]), ...paths.flatMap((path) => ["-P", path])];
  return { argv: ["strace", "-f", "-y", "-qq", "-o", output, ...flags, "--", ...argv], env };
}

/**
 * Calls of a recording that are about files below a directory; of reading ones only where those are asked for, and
 * `ownCount` counts no others.
 */
export function callsIn(
  output: string,
  directory: string,
  { reading = false, ownCount = false }: { readonly reading?: boolean; readonly ownCount?: boolean } = {},
): Call[] {
  const counts = new Map<string, number>();
  const calls = new Map<string, Call>();
  const names = reading ? [...CHANGING, ...READING] : CHANGING;
  const wanted = new Set(names.map((name) => name.replace("?", "")));
  for (const line of readFileSync(output, "utf8").split("\n")) {
    const [, thread = "", name = "", rest = ""] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? [];
    const at = rest.indexOf(directory);
    if (ownCount && at < 0) continue;
    const counter = `${thread} ${name}`;
    const nth = (counts.get(counter) ?? 0) + 1;
    counts.set(counter, nth);
    if (at < 0 || !wanted.has(name)) continue;
    const [file = ""] = /^[^"<>]*/.exec(rest.slice(at + directory.length + 1)) ?? [];
    // Of two threads the first to come that far is hit.
    calls.set(`${name} ${nth}`, calls.get(`${name} ${nth}`) ?? { name, nth, file });
  }
  return [...calls.values()];
}
