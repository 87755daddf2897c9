/** So many places are listed; a disk that is damaged all over would fill the memory otherwise. */
const MOST_LISTED = 1000;

/** A part of a store's file that is not as it should be. */
export interface Damage {
  /** Absolute path of the file, or of the directory where no single one is meant. */
  readonly file: string;
  /** Where it starts, in bytes. */
  readonly offset: number;
  /** How long it is, in bytes; 0 where something is missing. */
  readonly bytes: number;
  readonly reason: string;
  /** Where the damage itself stands, in what is lost with it; undefined at `offset`. */
  readonly at?: number | undefined;
}

/** Collects what was found, in order; neighbours of one kind become one. */
export class Findings<T extends Damage = Damage> {
  readonly #listed: T[] = [];
  /** How many places there are, also those that are not listed any more. */
  count = 0;

  get listed(): readonly T[] {
    return this.#listed;
  }

  /** `join` makes one of a finding and the one that follows it without a gap. */
  add(found: T, join: (before: T, after: T) => T = joinRanges): void {
    const before = this.#listed.at(-1);
    if (before !== undefined && this.count === this.#listed.length && touches(before, found)) {
      this.#listed[this.#listed.length - 1] = join(before, found);
      return;
    }
    this.count += 1;
    if (this.#listed.length < MOST_LISTED) this.#listed.push(found);
  }
}

function touches(before: Damage, after: Damage): boolean {
  const follows = before.offset + before.bytes === after.offset && after.bytes > 0 && before.bytes > 0;
  return follows && before.file === after.file && before.reason === after.reason;
}

function joinRanges<T extends Damage>(before: T, after: T): T {
  return { ...before, bytes: before.bytes + after.bytes };
}

/** The same with whole paths: while they are looked for, files have their names, and the directory is ".". */
export function located<T extends Damage>(directory: string, found: readonly T[]): T[] {
  return found.map((each) => ({
    ...each,
    file: each.file === "." ? directory : `${directory}/${each.file}`,
  }));
}
