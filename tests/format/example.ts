import { KvStore, type LogFormat } from "../../src/index.ts";
import { steadily, steadyDisk } from "../fixtures/steady.ts";

/** The moment at which the example of `docs/format.md` takes place: 2026-01-01T00:00:00Z. */
const NOW = 1_767_225_600_000;

/** Writes the store of the example in `docs/format.md`, its first log sealed. */
export async function writeExample(directory: string, format: LogFormat): Promise<void> {
  await steadily(NOW, async () => {
    const options = { format, durability: "sync" } as const;
    const store = KvStore.openOn(steadyDisk, directory, options);
    store.set("k", "v");
    store.set("price", "5 €");
    store.batch([{ set: [Buffer.of(0xff), Buffer.of(0, 0xff)] }, { remove: "k" }]);
    store.set("s", "1", { ttlMs: 60_000 });
    store.close();
    const last = KvStore.openOn(steadyDisk, directory, { ...options, generationBytes: 1 });
    last.remove("price");
    last.close();
  });
}
