import type { SeededRandom } from "../random.ts";
import {
  DirectoryNode,
  type DirectoryState,
  type NameChange,
  namesAfter,
  type Node,
} from "./directory-node.ts";
import { contentAfter, FileNode, type FileState } from "./file-node.ts";
import { type MachineState, SimulatedMachine } from "./machine.ts";

/**
 * What a disk may hold when the power comes back. Nothing is assumed of the order
 * in which it wrote: each change of a name happened or did not, whatever else did,
 * and of a file that was not synced since it was changed there is nothing, or all,
 * or a part that ends anywhere, or some of its blocks and not others.
 */
export interface Fate {
  /** Whether one of a directory's changes that were not synced happened; `half` leaves a renamed file both names. */
  readonly name: (change: NameChange) => "happened" | "not" | "half";
  readonly content: (state: FileState) => Uint8Array;
}

/** Every change reached the disk in time. */
export const NOTHING_LOST: Fate = { name: () => "happened", content: allOf };

/** None did. */
export const ALL_LOST: Fate = { name: () => "not", content: ({ durable }) => durable };

export const NAMES_LOST: Fate = { name: () => "not", content: allOf };

export const CONTENT_LOST: Fate = { name: () => "happened", content: ({ durable }) => durable };

/** A fate drawn by lot. With `noise`, what a file never held may show up in it: what others left on the disk. */
export function drawnFate(random: SeededRandom, { noise }: { readonly noise: boolean }): Fate {
  const sloppy = random.below(3) === 0;
  const mood = random.below(4);
  return {
    name: (change) => {
      if (mood === 0) return "happened";
      if (mood === 1) return "not";
      if (change.kind === "rename" && random.below(8) === 0) return "half";
      return random.below(2) === 0 ? "happened" : "not";
    },
    content: (state) => drawnContent(state, random, noise && sloppy),
  };
}

/** The machine after the power came back. */
export function afterPowerCut(state: MachineState, fate: Fate): SimulatedMachine {
  return SimulatedMachine.afterPowerCut(directoryAfter(state.root, fate), state);
}

/** How many changes a power cut might undo: what of them happens is a fate. */
export function changesAtRisk({ changes, states }: DirectoryState): number {
  let count = changes.length;
  for (const state of states.values()) {
    count += "states" in state ? changesAtRisk(state) : state.changeCount;
  }
  return count;
}

function directoryAfter({ durable, changes, states }: DirectoryState, fate: Fate): DirectoryNode {
  const happened = changes.flatMap((change): NameChange[] => {
    const what = fate.name(change);
    if (what === "not") return [];
    return what === "half" && change.kind === "rename"
      ? [{ kind: "link", name: change.to, node: change.node }]
      : [change];
  });
  const renewed = new Map<Node, Node>();
  const names = new Map<string, Node>();
  for (const [name, node] of namesAfter(durable, happened)) {
    const state = states.get(node);
    if (state === undefined) throw new Error(`"${name}" leads nowhere`);
    const after = renewed.get(node) ?? nodeAfter(state, fate);
    renewed.set(node, after);
    names.set(name, after);
  }
  return new DirectoryNode(names);
}

function nodeAfter(state: DirectoryState | FileState, fate: Fate): Node {
  if ("states" in state) return directoryAfter(state, fate);
  const content = state.changeCount === 0 ? state.durable : fate.content(state);
  return new FileNode(state.inode, state.modified, content);
}

function allOf({ durable, changes, changeCount }: FileState): Uint8Array {
  return contentAfter(durable, changes.slice(0, changeCount));
}

function drawnContent(state: FileState, random: SeededRandom, noise: boolean): Uint8Array {
  const kind = random.below(8);
  if (kind === 0) return state.durable;
  if (kind === 1) return allOf(state);
  if (kind <= 3) return tornAt(state, random);
  if (kind === 4) return sizeWithoutData(state);
  return someBlocks(state, { random, noise, blockBytes: kind === 5 ? 4096 : 512 });
}

/** The changes up to one of them, which may be cut off in the middle. */
function tornAt({ durable, changes, changeCount }: FileState, random: SeededRandom): Uint8Array {
  const at = random.below(changeCount);
  const torn = changes[at];
  const whole = changes.slice(0, at);
  if (torn === undefined || torn.kind === "cut") return contentAfter(durable, whole);
  const bytes = torn.bytes.subarray(0, random.below(torn.bytes.length + 1));
  return contentAfter(durable, [...whole, { ...torn, bytes }]);
}

/** The file has its new size, and nothing but zeros where it has grown. */
function sizeWithoutData(state: FileState): Uint8Array {
  const bytes = new Uint8Array(allOf(state).length);
  bytes.set(state.durable.subarray(0, bytes.length));
  return bytes;
}

interface BlockLot {
  readonly random: SeededRandom;
  readonly noise: boolean;
  readonly blockBytes: number;
}

/** Each block, and the size, is of another moment since the last sync. */
function someBlocks(state: FileState, { random, noise, blockBytes }: BlockLot): Uint8Array {
  const { durable, changes, changeCount } = state;
  const midway = (): Uint8Array => contentAfter(durable, changes.slice(0, random.below(changeCount + 1)));
  const moments = [durable, allOf(state), midway(), midway()];
  const pick = (): Uint8Array => moments[random.below(moments.length)] ?? durable;
  const bytes = new Uint8Array(pick().length);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const end = Math.min(bytes.length, at + blockBytes);
    const block = pick().subarray(at, end);
    if (noise && block.length === 0) for (let i = at; i < end; i += 1) bytes[i] = random.below(256);
    else bytes.set(block, at);
  }
  return bytes;
}
