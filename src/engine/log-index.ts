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

/** The entries of an index in bytewise order of their keys, as they were when it was asked for. */
export interface KeyOrder {
  readonly length: number;
  positionAt(place: number): number;
  /** Bytes of the record, or 0 where the index does not know. */
  lengthAt(place: number): number;
}

/** An order that another one takes the place of as soon as it fails; both list the same entries. */
export function withFallback(first: KeyOrder, fallback: (error: unknown) => KeyOrder): KeyOrder {
  let order = first;
  const ask = (question: () => number): number => {
    try {
      return question();
    } catch (error) {
      order = fallback(error);
      return question();
    }
  };
  return {
    length: first.length,
    positionAt: (place) => ask(() => order.positionAt(place)),
    lengthAt: (place) => ask(() => order.lengthAt(place)),
  };
}
