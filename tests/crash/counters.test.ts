import { describe, expect, test } from "bun:test";
import { KvStore, type OpenOptions } from "../../src/index.ts";
import { contentOf } from "../support/damage.ts";
import { endOf, startJob } from "../support/processes.ts";
import { newStorePath } from "../support/temporary.ts";

describe("eight processes that increment one counter", () => {
  for (const options of [
    {},
    { generationBytes: 200 },
    { durability: "sync" },
    { format: "json", generationBytes: 300 },
  ] as const satisfies readonly OpenOptions[]) {
    test(`end at exactly the number of their increments: ${JSON.stringify(options)}`, async () => {
      const path = newStorePath();
      const children = Array.from({ length: 8 }, () => startJob(["count", path, "30"], options));
      const ended = await Promise.all(children.map((child) => endOf(child)));
      expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(
        Array.from({ length: 8 }, () => [0, ""]),
      );
      expect(contentOf(path)).toEqual([["counter", "240"]]);
      using store = KvStore.open(path);
      expect(store.stats().tornTailsCut).toBe(0);
    });
  }
});
