import type { KvStore, LogFormat } from "../../src/index.ts";
import type { SeededRandom } from "../support/random.ts";
import { type Content, type Entry, type Frame, isLive } from "./history.ts";

/** A write: its effect on what the store holds, empty where there is none, and the call. */
export interface Write {
  readonly frameOf: (content: Content, now: number) => Frame;
  readonly run: (store: KvStore) => unknown;
}

/** One step of a script that was drawn beforehand, to be carried out whatever went wrong before. */
export type Step = { readonly name: string } & (
  | { readonly kind: "write"; readonly writes: readonly Write[] }
  | { readonly kind: "call"; readonly run: (store: KvStore) => Promise<unknown>; readonly syncs: boolean }
  | { readonly kind: "maintain" | "reopen" }
  | { readonly kind: "short write"; readonly key: string; readonly value: string }
  | { readonly kind: "wait"; readonly ms: number }
);

const KEYS = ["", "a", "a/1", "a/2", "b", "ü"] as const;
const VALUES = ["", "1", "value", "x".repeat(90), "y".repeat(700), "line\nline"] as const;
const TTL_MS = 1000;

export function drawnScript(random: SeededRandom, steps: number): readonly Step[] {
  return Array.from({ length: steps }, () => drawnStep(random));
}

function drawnStep(random: SeededRandom): Step {
  const kind = random.below(22);
  if (kind >= 20)
    return { name: "short write", kind: "short write", key: random.pick(KEYS), value: random.pick(VALUES) };
  if (kind < 12) {
    const writes = Array.from({ length: 1 + random.below(2) }, () => drawnWrite(random));
    return { name: `${writes.length} writes`, kind: "write", writes };
  }
  if (kind < 14) return { name: "flush", kind: "call", run: (store) => store.flush(), syncs: true };
  if (kind < 17) {
    const format = random.pick<LogFormat | undefined>([undefined, undefined, "binary", "json"]);
    const options = format === undefined ? {} : { format };
    return { name: "compact", kind: "call", run: (store) => store.compact(options), syncs: false };
  }
  if (kind === 17) return { name: "maintain", kind: "maintain" };
  if (kind === 18) return { name: "reopen", kind: "reopen" };
  return { name: "wait", kind: "wait", ms: TTL_MS };
}

function drawnWrite(random: SeededRandom): Write {
  const [key, value, other] = [random.pick(KEYS), random.pick(VALUES), random.pick(KEYS)];
  const put = (expiresAt: number): Frame => [{ key, value, expiresAt }];
  const kind = random.below(10);
  if (kind < 4) return { frameOf: () => put(0), run: (store) => store.set(key, value) };
  if (kind === 4) {
    return {
      frameOf: (_, now) => put(now + TTL_MS),
      run: (store) => store.set(key, value, { ttlMs: TTL_MS }),
    };
  }
  if (kind < 7) {
    return {
      frameOf: (content, now) =>
        liveIn(content, key, now) === undefined ? [] : [{ key, value: undefined, expiresAt: 0 }],
      run: (store) => store.delete(key),
    };
  }
  if (kind === 7) {
    return {
      frameOf: (content, now) => {
        const old = liveIn(content, key, now);
        return [{ key, value: (old?.value ?? "") + value, expiresAt: old?.expiresAt ?? 0 }];
      },
      run: (store) => store.append(key, value),
    };
  }
  if (kind === 8) {
    return {
      frameOf: (content, now) =>
        [...content.keys()]
          .filter((one) => one.startsWith("a") && liveIn(content, one, now) !== undefined)
          .map((one) => ({ key: one, value: undefined, expiresAt: 0 })),
      run: (store) => store.deletePrefix("a"),
    };
  }
  return {
    frameOf: () => [
      ...put(0),
      { key: other, value: undefined, expiresAt: 0 },
      { key: "batch", value: key, expiresAt: 0 },
    ],
    run: (store) => store.batch([{ set: [key, value] }, { remove: other }, { set: ["batch", key] }]),
  };
}

function liveIn(content: Content, key: string, now: number): Entry | undefined {
  const entry = content.get(key);
  return entry !== undefined && isLive(entry, now) ? entry : undefined;
}
