import { KvsError } from "../format/errors.ts";
import type { LogBytes } from "./log-bytes.ts";
import type { Places } from "./log-index.ts";

/** Where in the buffer a record starts that is not there. */
export const NOT_READ = -1;

/** What a record takes whose length the index does not know. */
const UNKNOWN_BYTES: number = 64 * 1024;

/** What lies between two records is read with them up to here: to ask the system twice takes as long. */
const LARGEST_GAP_BYTES: number = 4 * 1024;

/** So much is read at once at most, and stays in the processor's cache until it is taken apart. */
const CHUNK_BYTES: number = 256 * 1024;

/** Positions are sorted together with their numbers, in one float each. */
const MOST_PLACES: number = 2 ** 17;
const MOST_POSITION: number = 2 ** 53 / MOST_PLACES;

/**
 * Reads many records of a log at once, wherever they stand, in the order in which they
 * do: what stands close together takes one call. A scan in the order of the keys would
 * otherwise make one for each record, and that takes longer than all the rest.
 */
export class GatheredReads {
  readonly #bytes: LogBytes;
  readonly #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #averageBytes: number = UNKNOWN_BYTES;
  readonly #logBytes: number;
  /** The records, one behind the other. */
  readonly buffer: Buffer;
  /** Where in the buffer each starts; `NOT_READ` for those that were left out, or could not be read. */
  readonly starts: number[] = [];

  constructor(bytes: LogBytes, bufferBytes: number) {
    this.#bytes = bytes;
    this.#logBytes = bytes.size();
    this.buffer = Buffer.allocUnsafeSlow(bufferBytes);
  }

  /**
   * How many records the buffer holds, if they are as long as those that were seen last;
   * 0 where so many would still stand too far apart to be read together.
   */
  get capacity(): number {
    const count = Math.min(MOST_PLACES, Math.floor(this.buffer.length / this.#averageBytes));
    return count * LARGEST_GAP_BYTES >= this.#logBytes ? count : 0;
  }

  /** Learns how long records are. */
  see({ lengths }: Places): void {
    const bytes = lengths.reduce((sum, length) => sum + (length === 0 ? UNKNOWN_BYTES : length), 0);
    this.#averageBytes = bytes / Math.max(1, lengths.length);
  }

  /** Reads these records, as many as the buffer holds, in place of those before. */
  read(places: Places): void {
    const order = this.#allot(places);
    for (let from = 0; from < order.length;) from = this.#readTogether(places, order, from);
  }

  /** Gives each record its place in the buffer; their numbers, by their places in the log. */
  #allot({ positions, lengths }: Places): Float64Array {
    const { starts, buffer } = this;
    const order = new Float64Array(positions.length);
    starts.length = 0;
    let count = 0;
    let end = 0;
    for (let number = 0; number < positions.length; number += 1) {
      const position = positions[number] ?? 0;
      const length = lengths[number] ?? 0;
      const isLeftOut =
        length === 0 ||
        end + length > buffer.length ||
        position > MOST_POSITION ||
        this.#bytes.isInTail(position);
      starts.push(isLeftOut ? NOT_READ : end);
      if (isLeftOut) continue;
      order[count] = position * MOST_PLACES + number;
      count += 1;
      end += length;
    }
    return order.subarray(0, count).toSorted();
  }

  /** Reads records that stand close together; the first one that does not. */
  #readTogether(places: Places, order: Float64Array, from: number): number {
    const first = Math.floor((order[from] ?? 0) / MOST_PLACES);
    let end = first + lengthAt(places, order, from);
    let to = from + 1;
    for (; to < order.length; to += 1) {
      const position = Math.floor((order[to] ?? 0) / MOST_PLACES);
      const length = lengthAt(places, order, to);
      if (position - end > LARGEST_GAP_BYTES || position + length - first > CHUNK_BYTES) break;
      end = Math.max(end, position + length);
    }
    const target = to - from > 1 ? this.#chunk : this.buffer;
    const start = to - from > 1 ? 0 : (this.starts[numberAt(order, from)] ?? 0);
    const read = this.#readInto(target, first, start, start + end - first);
    for (let at = from; at < to; at += 1) {
      const number = numberAt(order, at);
      const offset = Math.floor((order[at] ?? 0) / MOST_PLACES) - first;
      const length = places.lengths[number] ?? 0;
      if (offset + length > read) this.starts[number] = NOT_READ;
      else if (target === this.#chunk)
        target.copy(this.buffer, this.starts[number] ?? 0, offset, offset + length);
    }
    return to;
  }

  /** What fails here is met again when its turn comes, if it does. */
  #readInto(target: Buffer, position: number, start: number, end: number): number {
    try {
      return this.#bytes.readInto(target, position, start, end);
    } catch (error) {
      if (error instanceof KvsError) return 0;
      throw error;
    }
  }
}

function numberAt(order: Float64Array, at: number): number {
  return (order[at] ?? 0) % MOST_PLACES;
}

function lengthAt({ lengths }: Places, order: Float64Array, at: number): number {
  return lengths[numberAt(order, at)] ?? 0;
}
