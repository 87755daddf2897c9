/** What a write does to one key: a value, or undefined for a removal; `expiresAt` is 0 for never. */
export interface Effect {
  readonly key: string;
  readonly value: string | undefined;
  readonly expiresAt: number;
}

/** One write: all of it is there, or nothing. */
export type Frame = readonly Effect[];

export interface Entry {
  readonly value: string;
  readonly expiresAt: number;
}

export type Content = ReadonlyMap<string, Entry>;

/** All writes to a store in their order, and what it holds after each of them. */
export class History {
  readonly #contents: Content[];
  readonly #texts = new Map<string, string>();

  constructor(contents: readonly Content[] = [new Map()]) {
    this.#contents = [...contents];
  }

  /** How many writes there were. */
  get length(): number {
    return this.#contents.length - 1;
  }

  /** The content after all writes. */
  get content(): Content {
    return this.at(this.length);
  }

  /** The content after so many writes. */
  at(count: number): Content {
    const content = this.#contents[count];
    if (content === undefined) throw new Error(`There are only ${this.length} writes`);
    return content;
  }

  push(frame: Frame): void {
    const next = new Map(this.content);
    for (const { key, value, expiresAt } of frame) {
      if (value === undefined) next.delete(key);
      else next.set(key, { value, expiresAt });
    }
    this.#contents.push(next);
  }

  /** The same history, cut off after so many writes; it goes its own way from there. */
  fork(count: number): History {
    return new History(this.#contents.slice(0, count + 1));
  }

  /** The content after so many writes, without what has expired by `now`, as `textOf` gives it. */
  textAt(count: number, now: number): string {
    const name = `${count} ${now}`;
    let text = this.#texts.get(name);
    if (text === undefined) {
      const live = [...this.at(count)].filter(([, entry]) => isLive(entry, now));
      text = textOf(live.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      this.#texts.set(name, text);
    }
    return text;
  }

  /** Every key that was ever written to. */
  get keys(): Set<string> {
    return new Set(this.#contents.flatMap((content) => [...content.keys()]));
  }
}

export function isLive({ expiresAt }: Entry, now: number): boolean {
  return expiresAt === 0 || expiresAt > now;
}

/** Keys, values and expiries in the order of the keys, for comparing them with others. */
export function textOf(entries: Iterable<readonly [string, Entry]>): string {
  return JSON.stringify([...entries].map(([key, { value, expiresAt }]) => [key, value, expiresAt]));
}
