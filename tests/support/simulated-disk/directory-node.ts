import { FileNode, type FileState } from "./file-node.ts";

/** What a name stands for. */
export type Node = FileNode | DirectoryNode;

/** A change of a directory's names. */
export type NameChange =
  | { readonly kind: "link"; readonly name: string; readonly node: Node }
  | { readonly kind: "unlink"; readonly name: string; readonly node: Node }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly node: Node };

/** A directory at one moment: the names on the disk, what happened since, and all nodes that they lead to. */
export interface DirectoryState {
  readonly durable: ReadonlyMap<string, Node>;
  readonly names: ReadonlyMap<string, Node>;
  readonly changes: readonly NameChange[];
  readonly states: ReadonlyMap<Node, FileState | DirectoryState>;
}

/** A directory: its names are durable once it was synced, whatever was synced of the files. */
export class DirectoryNode {
  #names: Map<string, Node>;
  #durable: ReadonlyMap<string, Node>;
  #changes: NameChange[] = [];

  constructor(names: ReadonlyMap<string, Node> = new Map()) {
    this.#names = new Map(names);
    this.#durable = names;
  }

  /** A directory that goes on from a state, with all that is in it. */
  static resume(state: DirectoryState): DirectoryNode {
    const nodes = new Map<Node, Node>();
    for (const [node, inner] of state.states) {
      nodes.set(
        node,
        "durable" in inner && "names" in inner ? DirectoryNode.resume(inner) : FileNode.resume(inner),
      );
    }
    const renewed = (names: ReadonlyMap<string, Node>): Map<string, Node> =>
      new Map([...names].map(([name, node]) => [name, nodes.get(node) ?? node]));
    const directory = new DirectoryNode(renewed(state.durable));
    directory.#names = renewed(state.names);
    directory.#changes = state.changes.map((change) => ({
      ...change,
      node: nodes.get(change.node) ?? change.node,
    }));
    return directory;
  }

  get names(): ReadonlyMap<string, Node> {
    return this.#names;
  }

  link(name: string, node: Node): void {
    this.#names.set(name, node);
    this.#changes.push({ kind: "link", name, node });
  }

  unlink(name: string): void {
    const node = this.#names.get(name);
    if (node === undefined) return;
    this.#names.delete(name);
    this.#changes.push({ kind: "unlink", name, node });
  }

  rename(from: string, to: string): void {
    const node = this.#names.get(from);
    if (node === undefined) return;
    this.#names.delete(from);
    this.#names.set(to, node);
    this.#changes.push({ kind: "rename", from, to, node });
  }

  sync(): void {
    this.#durable = new Map(this.#names);
    this.#changes = [];
  }

  capture(): DirectoryState {
    const nodes = new Set([
      ...this.#durable.values(),
      ...this.#names.values(),
      ...this.#changes.map(({ node }) => node),
    ]);
    return {
      durable: this.#durable,
      names: new Map(this.#names),
      changes: this.#changes.slice(),
      states: new Map([...nodes].map((node) => [node, node.capture()])),
    };
  }
}

/** The names after some of the changes; a change that was left out takes nothing from the others. */
export function namesAfter(
  durable: ReadonlyMap<string, Node>,
  changes: readonly NameChange[],
): Map<string, Node> {
  const names = new Map(durable);
  for (const change of changes) {
    if (change.kind === "link") {
      names.set(change.name, change.node);
    } else if (change.kind === "unlink") {
      if (names.get(change.name) === change.node) names.delete(change.name);
    } else {
      if (names.get(change.from) === change.node) names.delete(change.from);
      names.set(change.to, change.node);
    }
  }
  return names;
}
