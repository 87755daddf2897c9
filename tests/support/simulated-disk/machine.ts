import { systemError } from "../hooked-disk.ts";
import { DirectoryNode, type DirectoryState, type Node } from "./directory-node.ts";
import { FileNode } from "./file-node.ts";

/** What is wrong with a disk. */
export interface Flaws {
  /** It says that it has synced and has not. */
  readonly ignores?: "file syncs" | "directory syncs";
  /** A power cut cannot be told from no power cut. */
  readonly hidesBoots?: boolean;
}

/** What a machine was at one moment, for a power cut or the death of its processes to go on from. */
export interface MachineState {
  readonly root: DirectoryState;
  readonly boot: number;
  readonly nextInode: number;
  readonly flaws: Flaws;
}

const ID_BYTES = 16;

const NEW: Omit<MachineState, "root"> = { boot: 1, nextInode: 1, flaws: {} };

/**
 * A computer whose one disk is in memory. Its processes are `SimulatedProcess`es;
 * they see each other's changes at once, as through the page cache.
 */
export class SimulatedMachine {
  readonly root: DirectoryNode;
  readonly flaws: Flaws;
  readonly #boot: number;
  #nextInode: number;
  /** Counts changes of files and names, durable or not. */
  changes = 0;

  constructor(root: DirectoryNode, { boot, nextInode, flaws }: Omit<MachineState, "root">) {
    this.root = root;
    this.flaws = flaws;
    this.#boot = boot;
    this.#nextInode = nextInode;
  }

  /** A machine whose disk holds nothing but the directory `/disk`. */
  static create(flaws: Flaws = {}): SimulatedMachine {
    return new SimulatedMachine(new DirectoryNode(new Map([["disk", new DirectoryNode()]])), {
      ...NEW,
      flaws,
    });
  }

  /** The machine after all its processes died: nothing that was written is lost. */
  static afterDeaths({ root, ...rest }: MachineState): SimulatedMachine {
    return new SimulatedMachine(DirectoryNode.resume(root), rest);
  }

  /** The machine after the power came back, with what was found on its disk. */
  static afterPowerCut(root: DirectoryNode, state: MachineState): SimulatedMachine {
    return new SimulatedMachine(root, {
      ...state,
      boot: state.boot + (state.flaws.hidesBoots === true ? 0 : 1),
    });
  }

  get bootId(): string {
    return this.#boot.toString(16).padStart(2 * ID_BYTES, "0");
  }

  capture(): MachineState {
    const { flaws } = this;
    return { root: this.root.capture(), boot: this.#boot, nextInode: this.#nextInode, flaws };
  }

  newFile(): FileNode {
    return new FileNode(this.#nextInode++, Date.now());
  }

  /** What stands under a path, or undefined. */
  find(path: string): Node | undefined {
    const parts = partsOf(path);
    return this.#follow(parts, parts.length);
  }

  file(path: string): FileNode | undefined {
    const node = this.find(path);
    if (node instanceof DirectoryNode) throw systemError("EISDIR", path);
    return node;
  }

  /** The directory in which a path's last name stands. */
  parent(path: string): { readonly directory: DirectoryNode; readonly name: string } {
    const parts = partsOf(path);
    const name = parts.at(-1);
    const directory = this.#follow(parts, parts.length - 1);
    if (name === undefined || !(directory instanceof DirectoryNode)) throw systemError("ENOENT", path);
    return { directory, name };
  }

  directory(path: string): DirectoryNode | undefined {
    const node = this.find(path);
    if (node instanceof FileNode) throw systemError("ENOTDIR", path);
    return node;
  }

  #follow(parts: readonly string[], count: number): Node | undefined {
    let node: Node | undefined = this.root;
    for (let at = 0; at < count; at += 1) {
      if (!(node instanceof DirectoryNode)) return undefined;
      node = node.names.get(parts[at] ?? "");
    }
    return node;
  }
}

/** The same few paths are asked for at every call. */
const knownParts = new Map<string, readonly string[]>();
const KNOWN_PATHS = 1000;

function partsOf(path: string): readonly string[] {
  let parts = knownParts.get(path);
  if (parts === undefined) {
    parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (knownParts.size === KNOWN_PATHS) knownParts.clear();
    knownParts.set(path, parts);
  }
  return parts;
}
