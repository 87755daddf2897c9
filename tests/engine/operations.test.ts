import { describe, expect, test } from "bun:test";
import { KvStore, type LogFormat } from "../../src/index.ts";
import { codeOf, codeOfAsync, contentOf } from "../support/damage.ts";
import { endTick } from "../support/scripted-run.ts";
import { newStorePath } from "../support/temporary.ts";

const FORMATS: readonly LogFormat[] = ["binary", "json"];
const LONG = 1_000_000_000;

/** Runs `work` with the clock set forward. */
function later<T>(ms: number, work: () => T): T {
  const { now } = Date;
  Date.now = () => now() + ms;
  try {
    return work();
  } finally {
    Date.now = now;
  }
}

for (const format of FORMATS) {
  const open = (): KvStore => KvStore.open(newStorePath(), { format });

  describe(`set and get, ${format}`, () => {
    test("a value comes back as it went in, in this handle and the next", async () => {
      const values = [
        "",
        "v",
        "ü€😀",
        '\u0000\n\r\t"\\',
        "\ufeffbom",
        "\u2028\u2029",
        "x".repeat(100_000),
        "{}",
        "\u007f\u0080",
      ];
      using store = open();
      for (const [index, value] of values.entries()) store.set(`k${index}`, value);
      for (const [index, value] of values.entries()) expect(store.get(`k${index}`)).toBe(value);
      await endTick();
      using other = KvStore.open(store.directory);
      for (const [index, value] of values.entries()) {
        expect(other.get(`k${index}`)).toBe(value);
        expect(other.getBytes(`k${index}`)).toEqual(new Uint8Array(Buffer.from(value)));
      }
    });

    test("keys may be empty, hostile, long, or bytes", async () => {
      const keys = [
        "",
        "__proto__",
        "constructor",
        "../../x",
        "--help",
        "\u0000",
        "\n",
        "\ufeff",
        "k".repeat(65_535),
        "\u{10ffff}",
      ];
      using store = open();
      for (const key of keys) store.set(key, `value of ${key.length}`);
      store.set(Buffer.of(0xff, 0xfe), "bytes");
      await endTick();
      using other = KvStore.open(store.directory);
      for (const key of keys) expect(other.get(key)).toBe(`value of ${key.length}`);
      expect(other.get(Buffer.of(0xff, 0xfe))).toBe("bytes");
      expect(other.get(Buffer.from("__proto__"))).toBe("value of 9");
      expect(other.count()).toBe(keys.length + 1);
    });

    test("bytes that are not text are for getBytes", async () => {
      using store = open();
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      store.set("k", bytes);
      expect(store.getBytes("k")).toEqual(bytes);
      expect(codeOf(() => store.get("k"))).toBe("NOT_UTF8");
      expect(codeOf(() => [...store.values()])).toBe("NOT_UTF8");
      expect(codeOf(() => store.take("k"))).toBe("NOT_UTF8");
      expect(codeOf(() => store.update("k", () => "x"))).toBe("NOT_UTF8");
      expect(store.takeBytes("k")).toEqual(bytes);
      expect(store.has("k")).toBe(false);
    });

    test("a missing key is undefined and no error", () => {
      using store = open();
      expect(store.get("k")).toBeUndefined();
      expect(store.getBytes("k")).toBeUndefined();
      expect(store.has("k")).toBe(false);
      expect(store.take("k")).toBeUndefined();
      expect(store.takeBytes("k")).toBeUndefined();
      expect(store.ttl("k")).toBeUndefined();
      expect(store.expire("k", 1000)).toBe(false);
      expect(store.persist("k")).toBe(false);
      expect(store.delete("k")).toBe(false);
      expect(codeOf(() => store.remove("k"))).toBe("KEY_NOT_FOUND");
      expect(store.deletePrefix("k")).toBe(0);
    });

    test("conditions decide whether a value is stored", () => {
      using store = open();
      expect(store.set("k", "1", { ifAbsent: true })).toBe(true);
      expect(store.set("k", "2", { ifAbsent: true })).toBe(false);
      expect(store.set("k", "2", { ifEquals: "x" })).toBe(false);
      expect(store.set("k", "2", { ifEquals: Buffer.from("1") })).toBe(true);
      expect(store.set("none", "2", { ifEquals: "" })).toBe(false);
      expect(store.set("k", "3", { ifAbsent: false })).toBe(true);
      expect(store.delete("k", { ifEquals: "2" })).toBe(false);
      expect(store.delete("k", { ifEquals: "3" })).toBe(true);
      expect(store.set("k", "4", { ifAbsent: true })).toBe(true);
      expect(codeOf(() => store.set("k", "5", { ifAbsent: true, ifEquals: "4" }))).toBe("INVALID_ARGUMENT");
      expect(store.get("k")).toBe("4");
    });

    test("a removed key is gone, and take returns what it had", async () => {
      using store = open();
      store.set("a", "1");
      store.set("b", "2");
      store.remove("a");
      expect(store.take("b")).toBe("2");
      expect(store.take("b")).toBeUndefined();
      expect(store.count()).toBe(0);
      await endTick();
      expect(contentOf(store.directory)).toEqual([]);
    });
  });

  describe(`increment, append and update, ${format}`, () => {
    test("increment counts from 0 and refuses what is no integer in range", () => {
      using store = open();
      expect(store.increment("n")).toBe(1);
      expect(store.increment("n", -3)).toBe(-2);
      expect(store.increment("n", 0)).toBe(-2);
      expect(store.get("n")).toBe("-2");
      store.set("max", String(Number.MAX_SAFE_INTEGER));
      expect(codeOf(() => store.increment("max"))).toBe("OUT_OF_RANGE");
      expect(store.increment("max", -1)).toBe(Number.MAX_SAFE_INTEGER - 1);
      for (const value of ["", "x", "1.5", " 1", "1e3", "0x10", "+1", "1\n"]) {
        store.set("bad", value);
        expect([value, codeOf(() => store.increment("bad"))]).toEqual([value, "NOT_A_NUMBER"]);
        expect(store.get("bad")).toBe(value);
      }
      store.set("bad", "9".repeat(30));
      expect(codeOf(() => store.increment("bad"))).toBe("OUT_OF_RANGE");
      for (const by of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        expect(codeOf(() => store.increment("n", by))).toBe("OUT_OF_RANGE");
      }
      expect(store.get("n")).toBe("-2");
    });

    test("append creates a key and joins text and bytes", () => {
      using store = open();
      store.append("k", "a");
      store.append("k", "ü");
      store.append("k", Buffer.from("c"));
      expect(store.get("k")).toBe("aüc");
      const [first = 0, second = 0] = Buffer.from("€");
      store.set("b", Buffer.of(first, second));
      store.append("b", Buffer.from("€").subarray(2));
      expect(store.get("b")).toBe("€");
    });

    test("update replaces, leaves alone, or fails without a trace", async () => {
      using store = open();
      using elsewhere = open();
      elsewhere.set("e", "1");
      expect(store.update("k", (old) => `${old ?? "none"}!`)).toBe("none!");
      expect(store.update("k", (old) => `${old ?? "none"}!`)).toBe("none!!");
      expect(store.update("k", () => {})).toBe("none!!");
      expect(store.update("missing", () => {})).toBeUndefined();
      expect(store.has("missing")).toBe(false);
      expect(() =>
        store.update("k", () => {
          throw new RangeError("mine");
        }),
      ).toThrow(new RangeError("mine"));
      expect(store.get("k")).toBe("none!!");
      for (const write of [
        () => store.set("x", "1"),
        () => store.delete("k"),
        () => store.increment("n"),
        () => store.batch([{ set: ["x", "1"] }]),
        () => store.deletePrefix(""),
        () => store.update("k", () => "x"),
      ]) {
        expect(store.update("k", () => codeOf(write))).toBe("INVALID_ARGUMENT");
      }
      const seen = store.update("k", () => {
        elsewhere.set("e", `${elsewhere.get("e") ?? ""}2`);
        return `${String(store.get("k"))} ${store.count()} ${String(elsewhere.get("e"))}`;
      });
      expect(seen).toBe("INVALID_ARGUMENT 1 12");
      store.set("k", "last");
      await endTick();
      expect(contentOf(store.directory)).toEqual([["k", "last"]]);
      expect(contentOf(elsewhere.directory)).toEqual([["e", "12"]]);
    });

    test("update's result is checked as a value is", () => {
      using store = open();
      store.set("k", "1");
      expect(codeOf(() => store.update("k", () => "\ud800"))).toBe("INVALID_ARGUMENT");
      expect(codeOf(() => store.update("k", () => 5 as unknown as string))).toBe("INVALID_ARGUMENT");
      expect(store.get("k")).toBe("1");
    });
  });

  describe(`expiry, ${format}`, () => {
    test("an expired key is gone for every operation", async () => {
      using store = open();
      for (const key of ["a", "b", "c", "d", "e", "f", "g"]) store.set(key, "1", { ttlMs: 1000 });
      await endTick();
      using other = KvStore.open(store.directory);
      expect(other.count()).toBe(7);
      later(1000, () => {
        expect(other.get("a")).toBeUndefined();
        expect(other.has("a")).toBe(false);
        expect(other.ttl("a")).toBeUndefined();
        expect([...other.keys()]).toEqual([]);
        expect(other.stats().keys).toBe(0);
        expect(other.delete("a")).toBe(false);
        expect(other.persist("b")).toBe(false);
        expect(other.expire("b", LONG)).toBe(false);
        expect(other.increment("c")).toBe(1);
        other.append("d", "x");
        expect(other.get("d")).toBe("x");
        expect(other.set("e", "2", { ifAbsent: true })).toBe(true);
        expect(other.update("f", (old) => old ?? "none")).toBe("none");
        expect(other.set("g", "2", { ifEquals: "1" })).toBe(false);
        expect(other.take("g")).toBeUndefined();
        expect(other.deletePrefix("b")).toBe(0);
        for (const key of ["c", "d", "e", "f"]) expect(other.ttl(key)).toBeNull();
      });
    });

    test("survives increment, append and update, and is cleared by set and persist", () => {
      using store = open();
      const expectTtl = (): void => expect(Number(store.ttl("k"))).toBeWithin(LONG - 100_000, LONG + 1);
      store.set("k", "1", { ttlMs: LONG });
      expectTtl();
      store.increment("k");
      expectTtl();
      store.append("k", "0");
      expectTtl();
      expect(store.update("k", (old) => `${old ?? ""}!`)).toBe("20!");
      expectTtl();
      expect(store.persist("k")).toBe(true);
      expect(store.ttl("k")).toBeNull();
      expect(store.expire("k", LONG)).toBe(true);
      expectTtl();
      expect(store.get("k")).toBe("20!");
      store.set("k", "2");
      expect(store.ttl("k")).toBeNull();
      store.batch([{ set: ["k", "3"], ttlMs: LONG }]);
      expectTtl();
      store.batch([{ set: ["k", "4"] }]);
      expect(store.ttl("k")).toBeNull();
    });

    test("never brings an older value back, in whichever logs they are (invariant 5)", async () => {
      using store = open();
      store.set("k", "old");
      store.set("other", "1");
      await endTick();
      {
        using rotating = KvStore.open(store.directory, { generationBytes: 1 });
        rotating.set("k", "new", { ttlMs: 1000 });
      }
      await later(2000, async () => {
        expect(store.get("k")).toBeUndefined();
      });
      const { now } = Date;
      Date.now = () => now() + 2000;
      try {
        await store.compact();
        expect(store.get("k")).toBeUndefined();
        expect([...store.entries()]).toEqual([["other", "1"]]);
      } finally {
        Date.now = now;
      }
      expect(contentOf(store.directory)).toEqual([["other", "1"]]);
    });
  });

  describe(`batch and deletePrefix, ${format}`, () => {
    test("a batch applies its operations in their order", async () => {
      using store = open();
      store.set("gone", "1");
      store.batch([
        { set: ["a", "1"] },
        { set: ["a", "2"] },
        { remove: "gone" },
        { remove: "never there" },
        { set: ["b", "1"] },
        { remove: "b" },
        { set: [Buffer.of(0xff), Buffer.of(0xff)] },
      ]);
      store.batch([]);
      expect([...store.keys({ encoding: "bytes" })]).toEqual([
        new Uint8Array(Buffer.from("a")),
        Uint8Array.of(0xff),
      ]);
      expect(store.get("a")).toBe("2");
    });

    test("a batch with something wrong in it changes nothing", () => {
      using store = open();
      for (const wrong of [
        { set: ["k", "\ud800"] },
        { set: ["\ud800", "v"] },
        { set: ["k", "v"], ttlMs: 0 },
        { remove: "x".repeat(65_536) },
        {},
      ]) {
        expect(codeOf(() => store.batch([{ set: ["a", "1"] }, wrong as { remove: string }]))).toBe(
          "INVALID_ARGUMENT",
        );
      }
      expect(() =>
        store.batch(
          (function* () {
            yield { set: ["a", "1"] } as const;
            throw new RangeError("mine");
          })(),
        ),
      ).toThrow("mine");
      expect(store.count()).toBe(0);
    });

    test("deletePrefix removes what starts with the bytes, and nothing else", async () => {
      using store = KvStore.open(newStorePath(), { format, generationBytes: 20_000 });
      store.batch(Array.from({ length: 2500 }, (_, index) => ({ set: [`p/${index}`, "v"] as const })));
      for (const key of ["p", "p0", "o", "q", ""]) store.set(key, "stays");
      store.set(Buffer.of(0xff, 0xff), "1");
      store.set(Buffer.of(0xff), "1");
      expect(store.deletePrefix("p/")).toBe(2500);
      expect(store.deletePrefix("p/")).toBe(0);
      expect(store.count()).toBe(7);
      expect(store.deletePrefix(Buffer.of(0xff))).toBe(2);
      await endTick();
      expect(contentOf(store.directory).map(([key]) => key)).toEqual(["", "o", "p", "p0", "q"]);
      expect(store.deletePrefix("")).toBe(5);
      expect(store.count()).toBe(0);
    });
  });
}

describe("arrays of bytes", () => {
  test("may be changed by the caller after the call", async () => {
    using store = KvStore.open(newStorePath());
    const [key, value] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)];
    store.set(key, value);
    key.fill(9);
    value.fill(9);
    expect(store.getBytes(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(3, 4));
    const suffix = Uint8Array.of(5);
    store.append(Uint8Array.of(1, 2), suffix);
    suffix.fill(9);
    const [batchKey, batchValue] = [Uint8Array.of(7), Uint8Array.of(8)];
    store.batch([{ set: [batchKey, batchValue] }]);
    batchKey.fill(9);
    batchValue.fill(9);
    await endTick();
    using other = KvStore.open(store.directory);
    expect([...other.entries({ encoding: "bytes" })]).toEqual([
      [Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)],
      [Uint8Array.of(7), Uint8Array.of(8)],
    ]);
  });

  test("that are returned are the caller's own", async () => {
    using store = KvStore.open(newStorePath());
    store.set("k", Uint8Array.of(1, 2, 3));
    for (const buffered of [true, false]) {
      const taken = [
        store.getBytes("k"),
        ...store.values({ encoding: "bytes" }),
        ...[...store.entries({ encoding: "bytes" })].map(([, value]) => value),
      ];
      expect(taken.length).toBe(3);
      for (const bytes of taken) {
        expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
        expect(bytes?.buffer.byteLength).toBe(3);
        bytes?.fill(9);
      }
      expect([buffered, store.getBytes("k")]).toEqual([buffered, Uint8Array.of(1, 2, 3)]);
      await endTick();
    }
  });

  test("may be a part of a larger buffer", () => {
    using store = KvStore.open(newStorePath());
    const large = Uint8Array.of(0, 1, 2, 3, 4);
    store.set(large.subarray(1, 2), large.subarray(2, 4));
    expect([...store.entries({ encoding: "bytes" })]).toEqual([[Uint8Array.of(1), Uint8Array.of(2, 3)]]);
  });
});

test("a call refuses options it does not know, before it does anything", async () => {
  using store = KvStore.open(newStorePath());
  store.set("k", "v");
  const misspelt = { ifabsent: true } as unknown as undefined;
  expect(codeOf(() => store.set("k", "w", misspelt))).toBe("INVALID_ARGUMENT");
  expect(codeOf(() => store.delete("k", misspelt))).toBe("INVALID_ARGUMENT");
  expect(codeOf(() => store.count({ limit: 1 } as unknown as undefined))).toBe("INVALID_ARGUMENT");
  for (const scan of [store.entries(misspelt), store.keys(misspelt), store.values(misspelt)]) {
    expect(codeOf(() => scan.next())).toBe("INVALID_ARGUMENT");
  }
  expect(codeOf(() => store.records(misspelt).next())).toBe("INVALID_ARGUMENT");
  expect(codeOf(() => store.entries({ encoding: "latin1" } as unknown as undefined).next())).toBe(
    "INVALID_ARGUMENT",
  );
  for (const operation of [
    { set: ["k", "w"], ttl: 5 },
    { remove: "k", ifEquals: "w" },
  ]) {
    expect(codeOf(() => store.batch([operation as unknown as { remove: string }]))).toBe("INVALID_ARGUMENT");
  }
  expect(await codeOfAsync(() => store.compact(misspelt))).toBe("INVALID_ARGUMENT");
  expect([...store.entries()]).toEqual([["k", "v"]]);
});
