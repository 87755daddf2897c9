import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inDirectory } from "./temporary.ts";

/** A small disk in memory. */
export interface Tmpfs {
  readonly path: string;
  resize(sizeKb: number): void;
  unmount(): void;
}

/** Mounts a disk of this size in a directory; undefined where one may not. */
export function mountTmpfs(directory: string, sizeKb: number): Tmpfs | undefined {
  if (process.platform !== "linux") return undefined;
  const path = join(directory, "disk");
  mkdirSync(path, { recursive: true });
  const mount = (options: string): boolean =>
    Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], { stderr: "ignore" }).exitCode ===
    0;
  if (!mount(`size=${sizeKb}k`)) return undefined;
  return {
    path,
    resize: (newKb) => {
      if (!mount(`remount,size=${newKb}k`)) throw new Error(`Cannot resize "${path}"`);
    },
    unmount: () => void Bun.spawnSync(["umount", "-l", path]),
  };
}

/** Whether this user may mount disks. */
export function canMount(): Promise<boolean> {
  return inDirectory((path) => {
    const disk = mountTmpfs(path, 64);
    disk?.unmount();
    return disk !== undefined;
  });
}
