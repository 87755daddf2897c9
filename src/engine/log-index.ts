/**
 * Where a log's records are: of each key the newest one. An entry is known by a
 * number, its handle; positions are byte offsets in the log.
 */
export interface LogIndex {
  /**
   * The next entry, after the handle `after`, whose key may have this hash: whether
   * it is the key that is sought, the record tells. -1 to start with, and at the end.
   */
  probe(hash: number, after: number): number;
  /** How many keys there are. */
  readonly entries: number;
  positionOf(handle: number): number;
  /** Bytes of the record, or 0 where the index does not know. */
  lengthOf(handle: number): number;
}

/** Where records are: a position and a length, or 0 where the index does not know it, for each. */
export interface Places {
  readonly positions: number[];
  readonly lengths: number[];
}

/** Neighbours in an order: `count` of them, from the first on, forwards (1) or backwards (-1). */
export interface Neighbours {
  readonly first: number;
  readonly count: number;
  readonly step: 1 | -1;
}

/** The entries of an index in bytewise order of their keys, as they were when it was asked for. */
export interface KeyOrder {
  readonly length: number;
  /** Puts where some of them are in place of what `into` holds. */
  locate(neighbours: Neighbours, into: Places): void;
}

/** An order that another one takes the place of as soon as it fails; both list the same entries. */
export function withFallback(first: KeyOrder, fallback: (error: unknown) => KeyOrder): KeyOrder {
  let order = first;
  return {
    length: first.length,
    locate(neighbours, into) {
      try {
        order.locate(neighbours, into);
      } catch (error) {
        order = fallback(error);
        order.locate(neighbours, into);
      }
    },
  };
}
