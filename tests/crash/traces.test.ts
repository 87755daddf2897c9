import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DirectoryNode } from "../support/simulated-disk/directory-node.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { newStorePath } from "../support/temporary.ts";
import { systemCalls, textOfCall, TRACED } from "./system-calls.ts";
import { tracedRun } from "./traced-run.ts";

const SCRIPT = resolve(import.meta.dirname, "traced-run.ts");
const WITHOUT_STRACE = process.platform !== "linux" || Bun.which("strace") === null;

describe("the disk in memory", () => {
  test.skipIf(WITHOUT_STRACE).each([
    { durability: "sync", format: "binary", by: "node:fs" },
    { durability: "os", format: "binary", by: "node:fs" },
    { durability: "sync", format: "json", by: "node:fs" },
    { durability: "os", format: "json", by: "node:fs" },
    { durability: "sync", format: "binary", by: "libc" },
    { durability: "os", format: "binary", by: "libc" },
  ] as const)(
    "is asked for what the system is asked for in a run of a real process: %j",
    async ({ durability, format, by }) => {
      const path = newStorePath();
      const output = join(dirname(path), "trace");
      const strace = [
        "strace",
        "-f",
        "-y",
        "-s",
        "1",
        "-o",
        output,
        "-e",
        `trace=${TRACED}`,
        "-e",
        "signal=none",
      ];
      const run = [process.execPath, SCRIPT, path, durability, format, by];
      const { exitCode, stderr } = Bun.spawnSync([...strace, ...run]);
      expect([exitCode, stderr.toString()]).toEqual([0, ""]);

      const calls: string[] = [];
      const machine = SimulatedMachine.create();
      // The same path on both disks, for the same names.
      let parent = machine.root;
      for (const name of dirname(path).split("/").slice(1)) {
        const child = new DirectoryNode();
        parent.link(name, child);
        parent = child;
      }
      const simulated = new SimulatedProcess(machine, (call) => void calls.push(textOfCall(call) ?? ""));
      await tracedRun(simulated, path, { durability, format });

      const real = systemCalls(readFileSync(output, "utf8"), path);
      expect(real.length).toBeGreaterThan(200);
      const wanted = calls.filter((call) => call !== "");
      if (by === "libc") expect(withoutRetries(real)).toEqual(withoutRetries(wanted));
      else expect(real).toEqual(wanted);
    },
    60_000,
  );
});

/** What fails to be opened or listed is tried again by `node:fs`, which says why. */
function withoutRetries(calls: readonly string[]): string[] {
  return calls.filter((call, at) => !/^(open|list) /.test(call) || call !== calls[at - 1]);
}
