import { dirname, join } from "node:path";
import type { OpenOptions } from "../../src/index.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { inDirectory } from "../support/temporary.ts";
import { mountTmpfs } from "../support/tmpfs.ts";
import type { Campaign } from "./campaign.ts";
import { fillUp } from "./full-disk.ts";

/** More than fit on the largest disk. */
const WRITES = { count: 250, valueBytes: 3000 };

export const fullTmpfs: Campaign = {
  name: "full-tmpfs",
  test: 9,
  shows: "1 to 4: a small disk that fills up; no acknowledged loss, rm and compact work or say why not",
  unit: "disks",
  full: 500,
  run: (seed) =>
    inDirectory(async (path) => {
      const random = seededRandom(seed);
      const sizeKb = 12 + 4 * random.below(50);
      const program = random.pick(["binary", "library"] as const);
      const options = drawOptions(random);
      const disk = mountTmpfs(dirname(path), sizeKb);
      if (disk === undefined) throw new Error("Cannot mount a tmpfs: only root may");
      try {
        const relieve = (): void => disk.resize(sizeKb * 8);
        const full = { path: join(disk.path, "store"), on: <T>(command: T): T => command, relieve };
        const wasFull = await fillUp(full, { program, options, seed, ...WRITES });
        return { cases: wasFull ? 1 : 0, failures: [] };
      } catch (error) {
        return {
          cases: 1,
          failures: [`${program}, ${sizeKb} KiB, ${JSON.stringify(options)}: ${String(error)}`],
        };
      } finally {
        disk.unmount();
      }
    }),
};

function drawOptions(random: SeededRandom): OpenOptions {
  return {
    generationBytes: random.pick([1000, 8000, 50_000, 1_000_000]),
    durability: random.pick(["os", "sync"]),
    format: random.pick(["binary", "binary", "json"]),
    compactionThreshold: random.pick([0, 5000, 1_000_000]),
  };
}
