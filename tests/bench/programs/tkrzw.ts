import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { presentKey } from "../keys.ts";
import { type Act, type ProgramKind, VALUE } from "./program.ts";

export const tkrzwProgram: ProgramKind = {
  name: "tkrzw_dbm_util",
  description: "a hash database; `set`, or `set --sync_hard`",
  tools: [{ command: "tkrzw_dbm_util", package: "tkrzw-utils" }],
  async start(directory, keys) {
    const file = join(directory, "store.tkh");
    const records = join(directory, "records.tsv");
    writeFileSync(
      records,
      Array.from({ length: keys }, (_, index) => `${presentKey(index)}\t${VALUE}\n`).join(""),
    );
    run(["tkrzw_dbm_util", "create", "--buckets", String(2 * keys), file]);
    run(["tkrzw_dbm_util", "import", "--tsv", file, records]);
    const key = presentKey(keys >>> 1);
    const commands: Readonly<Record<Act, readonly string[]>> = {
      get: ["tkrzw_dbm_util", "get", file, key],
      set: ["tkrzw_dbm_util", "set", file, key, VALUE],
      "set-durable": ["tkrzw_dbm_util", "set", "--sync_hard", file, key, VALUE],
    };
    return { commandOf: (act) => commands[act], stop: async () => undefined };
  },
};

function run(command: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "pipe" });
  if (!success) throw new Error(`Cannot run ${command.join(" ")}: ${stderr.toString()}`);
}
