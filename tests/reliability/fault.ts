import { KvsError } from "../../src/index.ts";
import { systemError } from "../support/hooked-disk.ts";
import type { DiskCall, Verdict } from "../support/simulated-disk/call.ts";

export const FAULTS = ["EIO", "ENOSPC", "EMFILE", "EACCES", "EINTR", "short write"] as const;

/** Which call of a run fails, and how. */
export interface Fault {
  /** Counts from 0, over all processes of the run. */
  readonly index: number;
  readonly what: (typeof FAULTS)[number];
  /** The calls that fail for the same reason fail from then on, too. */
  readonly forEver: boolean;
  /** How much of what was to be written is. */
  readonly written: "nothing" | "half" | "all";
}

const OPENING: ReadonlySet<string> = new Set(["openToRead", "openToAppend", "create", "openLock"]);
/** LOCK is written in its place: that needs no room. */
const GROWING: ReadonlySet<string> = new Set(["append.append", "create", "makeDirectory"]);

/** Counts the calls of a run, and lets some of them fail. */
export class FaultInjector {
  readonly #fault: Fault | undefined;
  #broken: DiskCall | undefined;
  #isMended = false;
  calls = 0;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  /** The call that failed first, as text. */
  get failed(): string | undefined {
    return this.#broken === undefined ? undefined : `${this.#broken.method} ${this.#broken.path}`;
  }

  /** From now on nothing fails. */
  mend(): void {
    this.#isMended = true;
  }

  decide(call: DiskCall): Verdict {
    const index = this.calls++;
    const fault = this.#fault;
    if (fault === undefined || this.#isMended) return undefined;
    const isHit =
      index === fault.index ||
      (fault.forEver && this.#broken !== undefined && isAlike(call, this.#broken, fault));
    if (!isHit) return undefined;
    this.#broken ??= call;
    const written = { nothing: 0, half: call.bytes >>> 1, all: call.bytes }[fault.written];
    return { error: errorOf(fault, call.path), writeFirst: written };
  }
}

/** Whether a call fails for the reason that another one did. */
function isAlike(call: DiskCall, broken: DiskCall, { what }: Fault): boolean {
  if (what === "EMFILE") return OPENING.has(call.method);
  if (what === "ENOSPC") return GROWING.has(call.method) || call.method === broken.method;
  if (what === "EACCES")
    return call.path === broken.path && (OPENING.has(call.method) || call.method === broken.method);
  return call.method === broken.method && call.path === broken.path;
}

function errorOf({ what }: Fault, path: string): KvsError {
  if (what !== "short write") return systemError(what, path);
  return new KvsError("IO", `Cannot write to "${path}": its size is not what was expected`, { file: path });
}
