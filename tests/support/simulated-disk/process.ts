import type { AppendableFile, Disk, LockFile, ReadableFile } from "../../../src/disk/disk.ts";
import { systemError } from "../hooked-disk.ts";
import { appendableHandle, lockHandle, readableHandle } from "./handles.ts";
import { Death, type Decide, type DiskCall } from "./call.ts";
import { DirectoryNode } from "./directory-node.ts";
import type { SimulatedMachine } from "./machine.ts";

/** A process on a simulated machine: its disk, every call of which is first shown to `decide`. */
export class SimulatedProcess implements Disk {
  readonly machine: SimulatedMachine;
  readonly #decide: Decide;
  readonly #open = new Set<{ release(): void }>();
  #calls = 0;
  #dead = false;

  constructor(machine: SimulatedMachine, decide: Decide = () => undefined) {
    this.machine = machine;
    this.#decide = decide;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** How many calls it has made. */
  get calls(): number {
    return this.#calls;
  }

  /** How many files it has open. */
  get openFiles(): number {
    return this.#open.size;
  }

  /** Dies: the system frees its locks and handles, and answers no call from now on. */
  kill(): void {
    this.#dead = true;
    for (const handle of this.#open) handle.release();
    this.#open.clear();
  }

  /** Every call passes here; it may fail, or be the last one, after `partly` was told how much of it is done. */
  enter(call: Omit<DiskCall, "index">, partly?: (count: number) => void): void {
    if (this.#dead) throw new Death(`${call.method} after the death`);
    const verdict = this.#decide({ ...call, index: this.#calls++ });
    if (this.#dead) throw new Death(`killed before ${call.method}`);
    if (verdict === undefined) return;
    if (verdict.writeFirst !== undefined && verdict.writeFirst > 0) partly?.(verdict.writeFirst);
    if (verdict.error instanceof Death) this.kill();
    throw verdict.error;
  }

  opened<T extends { release(): void }>(handle: T): T {
    this.#open.add(handle);
    return handle;
  }

  closed(handle: { release(): void }): void {
    if (this.#open.delete(handle)) handle.release();
  }

  absolute(path: string): string {
    return path.startsWith("/") ? path : `/${path}`;
  }

  bootId(): string {
    return this.machine.bootId;
  }

  list(directory: string): string[] | undefined {
    this.enter({ method: "list", path: directory, bytes: 0 });
    const found = this.machine.directory(directory);
    return found === undefined ? undefined : [...found.names.keys()];
  }

  makeDirectory(path: string): void {
    this.enter({ method: "makeDirectory", path, bytes: 0 });
    const { directory, name } = this.machine.parent(path);
    if (directory.names.has(name)) return;
    directory.link(name, new DirectoryNode());
    this.machine.changes += 1;
  }

  openToRead(path: string): ReadableFile | undefined {
    this.enter({ method: "openToRead", path, bytes: 0 });
    const file = this.machine.file(path);
    return file === undefined ? undefined : readableHandle(this, path, file);
  }

  openToAppend(path: string): AppendableFile {
    this.enter({ method: "openToAppend", path, bytes: 0 });
    const file = this.machine.file(path);
    if (file === undefined) throw systemError("ENOENT", path);
    return appendableHandle(this, path, file);
  }

  create(path: string): AppendableFile {
    this.enter({ method: "create", path, bytes: 0 });
    const { directory, name } = this.machine.parent(path);
    // What is there is another file, which others may have open.
    if (this.machine.file(path) !== undefined) directory.unlink(name);
    const file = this.machine.newFile();
    directory.link(name, file);
    this.machine.changes += 1;
    return appendableHandle(this, path, file);
  }

  openLock(path: string, options: { readonly create: boolean }): LockFile | undefined {
    this.enter({ method: "openLock", path, bytes: 0 });
    let file = this.machine.file(path);
    if (file === undefined) {
      if (!options.create) return undefined;
      const { directory, name } = this.machine.parent(path);
      file = this.machine.newFile();
      directory.link(name, file);
      this.machine.changes += 1;
    }
    return lockHandle(this, path, file);
  }

  writeHead(path: string, bytes: Uint8Array): void {
    const file = this.machine.file(path);
    if (file === undefined) throw systemError("ENOENT", path);
    const write = (count: number): void => {
      file.write(0, bytes.subarray(0, count), Date.now());
      this.machine.changes += 1;
    };
    this.enter({ method: "writeHead", path, bytes: bytes.length }, write);
    write(bytes.length);
    this.enter({ method: "writeHead.sync", path, bytes: 0 });
    if (this.machine.flaws.ignores !== "file syncs") file.sync();
  }

  rename(from: string, to: string): void {
    this.enter({ method: "rename", path: to, bytes: 0 });
    const source = this.machine.parent(from);
    const target = this.machine.parent(to);
    const node = source.directory.names.get(source.name);
    if (node === undefined) throw systemError("ENOENT", from);
    if (source.directory === target.directory) {
      source.directory.rename(source.name, target.name);
    } else {
      // Each directory has its own part of it, which may reach the disk without the other's.
      target.directory.link(target.name, node);
      source.directory.unlink(source.name);
    }
    this.machine.changes += 1;
  }

  link(from: string, to: string): boolean {
    this.enter({ method: "link", path: to, bytes: 0 });
    const file = this.machine.file(from);
    const { directory, name } = this.machine.parent(to);
    if (file === undefined) return false;
    if (directory.names.has(name)) throw systemError("EEXIST", to);
    directory.link(name, file);
    this.machine.changes += 1;
    return true;
  }

  removeDirectory(path: string): void {
    this.enter({ method: "removeDirectory", path, bytes: 0 });
    const found = this.machine.directory(path);
    if (found === undefined || found.names.size > 0) return;
    const { directory, name } = this.machine.parent(path);
    directory.unlink(name);
    this.machine.changes += 1;
  }

  unlink(path: string): void {
    this.enter({ method: "unlink", path, bytes: 0 });
    if (this.machine.file(path) === undefined) return;
    const { directory, name } = this.machine.parent(path);
    directory.unlink(name);
    this.machine.changes += 1;
  }

  syncDirectory(path: string): void {
    this.enter({ method: "syncDirectory", path, bytes: 0 });
    const directory = this.machine.directory(path);
    if (directory === undefined) throw systemError("ENOENT", path);
    if (this.machine.flaws.ignores !== "directory syncs") directory.sync();
    this.machine.changes += 1;
  }
}
