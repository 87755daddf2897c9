import { existsSync } from "node:fs";
import { join } from "node:path";
import { ENGINES } from "./engines/all.ts";

/** Installs the packages of the selected engines, unless they are there; they are no dependency of kvs. */
export function installPeers(engines: readonly string[]): void {
  const directory = import.meta.dirname;
  const missing = ENGINES.filter(({ name }) => engines.includes(name)).flatMap((kind) =>
    kind.package === undefined || existsSync(join(directory, "node_modules", kind.package))
      ? []
      : [kind.package],
  );
  if (missing.length === 0) return;
  const command = [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: directory, stdout: "ignore", stderr: "pipe" });
  if (exitCode === 0) return;
  throw new Error(
    `Cannot install "${missing.join('", "')}" (leave them out with --engines): ${stderr.toString()}`,
  );
}
