/** A change of a file's content. */
export type FileChange =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "cut"; readonly size: number };

/** A file's content at one moment: what is on the disk, and what happened since, which may not be. */
export interface FileState {
  readonly inode: number;
  readonly modified: number;
  readonly durable: Uint8Array;
  /** Of `changes`, only so many belong to this moment. */
  readonly changes: readonly FileChange[];
  readonly changeCount: number;
  /** What processes see, where that is more than the disk will ever hold. */
  readonly seen: Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

/** An inode: it lives as long as a name or a handle leads to it. */
export class FileNode {
  readonly inode: number;
  modified: number;
  #bytes: Uint8Array;
  #size: number;
  /** `#bytes` belongs to others as well. */
  #isShared: boolean;
  #durable: Uint8Array;
  #changes: FileChange[] = [];
  /** How many changes came before `#changes`. */
  #settled = 0;
  /** A failed sync has dropped changes: the disk will never hold what processes see. */
  #isLying = false;
  /** Memory that shows the file as it is. */
  readonly #liveMaps = new Set<Uint8Array>();
  /** The open lock file that has its `flock`. */
  lockedBy: object | undefined;

  constructor(inode: number, modified: number, durable: Uint8Array = NOTHING) {
    this.inode = inode;
    this.modified = modified;
    this.#durable = durable;
    this.#bytes = durable;
    this.#size = durable.length;
    this.#isShared = true;
  }

  /** A file that goes on from a state, with nothing lost but its handles. */
  static resume(state: FileState): FileNode {
    const node = new FileNode(state.inode, state.modified, state.durable);
    node.#changes = state.changes.slice(0, state.changeCount);
    node.#bytes = state.seen ?? contentAfter(state.durable, node.#changes);
    node.#size = node.#bytes.length;
    node.#isLying = state.seen !== undefined;
    return node;
  }

  get size(): number {
    return this.#size;
  }

  /** How many changes were made since the file is open in memory. */
  get changesMade(): number {
    return this.#settled + this.#changes.length;
  }

  read(position: number, length: number): Buffer {
    const end = Math.min(this.#size, position + length);
    return Buffer.from(this.#bytes.subarray(Math.min(position, end), end));
  }

  /** Bytes that change with the file, as long as it is not cut; to be given back. */
  mapLive(): { readonly bytes: Buffer; release(): void } {
    const bytes = Buffer.from(this.read(0, this.#size));
    this.#liveMaps.add(bytes);
    return { bytes, release: () => void this.#liveMaps.delete(bytes) };
  }

  write(at: number, bytes: Uint8Array, modified: number): void {
    if (bytes.length === 0) return;
    // Not `slice`, which of a Buffer is a view: the caller uses its buffer again.
    const copy = new Uint8Array(bytes);
    this.#reserve(at + copy.length);
    if (at > this.#size) this.#bytes.fill(0, this.#size, at);
    this.#bytes.set(copy, at);
    this.#size = Math.max(this.#size, at + copy.length);
    this.modified = modified;
    for (const map of this.#liveMaps) map.set(this.#bytes.subarray(0, Math.min(map.length, this.#size)));
    this.#changes.push({ kind: "write", at, bytes: copy });
  }

  cut(size: number, modified: number): void {
    this.#reserve(size);
    if (size > this.#size) this.#bytes.fill(0, this.#size, size);
    this.#size = size;
    this.modified = modified;
    this.#changes.push({ kind: "cut", size });
  }

  /** Makes changes durable, the first so many that were ever made. */
  sync(upTo: number = this.changesMade): void {
    const count = upTo - this.#settled;
    if (count <= 0) return;
    this.#durable = contentAfter(this.#durable, this.#changes.slice(0, count));
    this.#changes = this.#changes.slice(count);
    this.#settled = upTo;
  }

  /** What a failed sync does: what was to be written counts as written, and is not. */
  loseChanges(): void {
    if (this.#changes.length === 0) return;
    this.#settled = this.changesMade;
    this.#changes = [];
    this.#isLying = true;
  }

  /** The state as of now; it does not change when the file does. */
  capture(): FileState {
    return {
      inode: this.inode,
      modified: this.modified,
      durable: this.#durable,
      changes: this.#changes,
      changeCount: this.#changes.length,
      seen: this.#isLying ? this.#bytes.slice(0, this.#size) : undefined,
    };
  }

  #reserve(size: number): void {
    if (!this.#isShared && size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(256, size, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
    this.#isShared = false;
  }
}

/** A content with changes made to it. */
export function contentAfter(durable: Uint8Array, changes: readonly FileChange[]): Uint8Array {
  if (changes.length === 0) return durable;
  let size = durable.length;
  let largest = size;
  for (const change of changes) {
    size = change.kind === "cut" ? change.size : Math.max(size, change.at + change.bytes.length);
    largest = Math.max(largest, size);
  }
  const content = new Uint8Array(largest);
  content.set(durable);
  size = durable.length;
  for (const change of changes) {
    if (change.kind === "write") {
      content.set(change.bytes, change.at);
      size = Math.max(size, change.at + change.bytes.length);
    } else {
      // What a cut takes away does not come back when the file grows again.
      if (change.size < size) content.fill(0, change.size, size);
      size = change.size;
    }
  }
  return content.subarray(0, size);
}
