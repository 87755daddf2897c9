import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { binaryCodec } from "../../src/format/binary-codec.ts";
import { BINARY_SEAL_BYTES } from "../../src/format/binary-layout.ts";
import { decodeKey, encodeKey, keyBytes } from "../../src/format/key.ts";
import { MAX_FRAME_BYTES, MAX_KEY_BYTES } from "../../src/format/limits.ts";
import { LogTally, type Mutation } from "../../src/format/record.ts";
import { everyFlip, frameOf, hex, put, remove, sealOf } from "./frames.ts";
import { Random } from "./random.ts";

const LOG_ID = "0123456789abcdef";
const POSITION = 64;
/** 2100-01-01T00:00:00Z. */
const EXPIRY = 4_102_444_800_000;
const FAR = 5_000_000_000;
const codec = binaryCodec(LOG_ID);

interface Golden {
  readonly name: string;
  readonly position?: number;
  readonly mutations: readonly Mutation[];
  readonly bytes: string;
}

// Calculated by another program, written from docs/format.md.
const GOLDEN: readonly Golden[] = [
  {
    name: "an ASCII value",
    mutations: [put("k", "v")],
    bytes: "0e000000 50287eca ccb31b96 01 01 0100 01000000 6b 76",
  },
  {
    name: "a UTF-8 value",
    mutations: [put("é", "€")],
    bytes: "11000000 996f04c2 1c7220a0 01 02 0200 03000000 c3a9 e282ac",
  },
  {
    name: "bytes as value and key",
    mutations: [put(Buffer.of(0xff), Buffer.of(0, 0xff))],
    bytes: "0f000000 354fc272 d72a1130 01 00 0100 02000000 ff 00ff",
  },
  {
    name: "an ASCII value that expires",
    mutations: [put("k", "v", EXPIRY)],
    bytes: "16000000 2057d35f cd957eec 01 05 0100 01000000 00d8c32cbb030000 6b 76",
  },
  {
    name: "a UTF-8 value that expires",
    mutations: [put("k", "é", EXPIRY)],
    bytes: "17000000 45306fe7 bfd978fa 01 06 0100 02000000 00d8c32cbb030000 6b c3a9",
  },
  {
    name: "bytes that expire",
    mutations: [put("k", Buffer.of(0x80), EXPIRY)],
    bytes: "16000000 2057d35f a709063f 01 04 0100 01000000 00d8c32cbb030000 6b 80",
  },
  {
    name: "an empty text under an empty key",
    mutations: [put("", "")],
    bytes: "0c000000 dbe07760 9dbaa8ba 01 01 0000 00000000",
  },
  {
    name: "no bytes under an empty key",
    mutations: [put("", new Uint8Array())],
    bytes: "0c000000 dbe07760 29b1df1c 01 00 0000 00000000",
  },
  { name: "a removal", mutations: [remove("k")], bytes: "0d000000 be87cbd8 f12736d5 02 00 0100 00000000 6b" },
  {
    name: "a batch",
    mutations: [put("a", "1"), remove("b"), put("c", "", EXPIRY)],
    bytes: `30000000 c2a78ada
      758f4c84 01 01 0100 01000000 61 31
      b606e8c8 02 00 0100 00000000 62
      c6ec695a 01 05 0100 00000000 00d8c32cbb030000 63`,
  },
  {
    name: "a record behind 4 GiB",
    position: FAR,
    mutations: [put("k", "v")],
    bytes: "0e000000 178eb838 4af5479e 01 01 0100 01000000 6b 76",
  },
];

const SEAL_POSITION = 120;
const SEAL = "20000000 13200cbf 6f22d6f4 03 00 0000 14000000 0300000000000000 7800000000000000 a7dc7872";

describe.each(GOLDEN)("the frame of $name", ({ position = POSITION, mutations, bytes }) => {
  const golden = hex(bytes);

  test("has these bytes", () => {
    expect(frameOf(codec, position, mutations).toString("hex")).toBe(golden.toString("hex"));
  });

  test("gives its records back", () => {
    const frame = codec.parseFrame(golden, 0, position);
    if (frame.status !== "records") throw new Error(`It is ${frame.status}`);
    expect(frame.length).toBe(golden.length);
    expect(frame.records.map(({ kind, key, expiresAt }) => ({ kind, key, expiresAt }))).toEqual(
      mutations.map(({ kind, key, expiresAt }) => ({ kind, key, expiresAt })),
    );
    for (const [index, ref] of frame.records.entries()) {
      const at = ref.position - position;
      const record = codec.decodeRecord(golden.subarray(at, at + ref.length), ref.position);
      expect(record?.value.toString("hex")).toBe(Buffer.from(mutations[index]?.value ?? "?").toString("hex"));
    }
  });

  test("is damaged by every change of one bit", () => {
    for (const flipped of everyFlip(golden))
      expect(codec.parseFrame(flipped, 0, position).status).toBe("damaged");
  });

  test("is incomplete wherever it is cut", () => {
    for (let length = 0; length < golden.length; length += 1) {
      const frame = codec.parseFrame(golden.subarray(0, length), 0, position);
      expect(frame).toEqual({ status: "incomplete", needed: length < 8 ? 8 : golden.length });
    }
  });

  test("is no frame at another position", () => {
    for (const other of [
      0,
      position - 1,
      position + 1,
      position + 8,
      position * 2,
      position + 2 ** 32,
      position + 2 ** 33,
    ]) {
      expect(codec.parseFrame(golden, 0, other).status).toBe("damaged");
    }
  });

  test("is no frame of another log", () => {
    for (const other of ["0123456789abcdee", "1123456789abcdef", "efcdab8967452301", "0000000000000000"]) {
      expect(binaryCodec(other).parseFrame(golden, 0, position).status).toBe("damaged");
    }
  });
});

test("what is known of a value's bytes comes back", () => {
  expect(encodingOf(put("k", "v"))).toBe("ascii");
  expect(encodingOf(put("k", "é"))).toBe("utf8");
  expect(encodingOf(put("k", Buffer.from("v")))).toBe("bytes");
  expect(encodingOf({ ...put("k", Buffer.from("v")), encoding: "ascii" })).toBe("ascii");
  expect(encodingOf({ ...put("k", Buffer.from("é")), encoding: "utf8" })).toBe("utf8");
  expect(encodingOf(remove("k"))).toBe("bytes");
});

describe("a record on its own", () => {
  const bytes = frameOf(codec, POSITION, [put("key", "value", EXPIRY)]).subarray(8);
  const position = POSITION + 8;

  test("is refused with any bit changed", () => {
    for (const flipped of everyFlip(bytes)) expect(codec.decodeRecord(flipped, position)).toBeUndefined();
  });

  test("is refused with a byte too few or too many", () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(codec.decodeRecord(bytes.subarray(0, length), position)).toBeUndefined();
    }
    expect(codec.decodeRecord(Buffer.concat([bytes, Buffer.of(0)]), position)).toBeUndefined();
  });

  test("is refused at another position and under another log id", () => {
    expect(codec.decodeRecord(bytes, position)).toBeDefined();
    expect(codec.decodeRecord(bytes, position + 1)).toBeUndefined();
    expect(codec.decodeRecord(bytes, position + 2 ** 32)).toBeUndefined();
    expect(binaryCodec("0123456789abcdee").decodeRecord(bytes, position)).toBeUndefined();
  });
});

describe("the seal", () => {
  test("has these bytes", () => {
    const summary = { records: 3, length: SEAL_POSITION, digest: 1_920_523_431 };
    expect(sealOf(codec, SEAL_POSITION, summary)).toEqual(hex(SEAL));
    expect(hex(SEAL).length).toBe(BINARY_SEAL_BYTES);
    expect(sealOf(codec, FAR, { records: 2 ** 40, length: FAR, digest: 0xdeadbeef })).toEqual(
      hex("20000000 1a565578 f391545a 03 00 0000 14000000 0000000000010000 00f2052a01000000 efbeadde"),
    );
  });

  test("gives its summary back, which agrees with the records before it", () => {
    const golden = GOLDEN.find(({ name }) => name === "a batch");
    const frame = codec.parseFrame(hex(golden?.bytes ?? ""), 0, POSITION);
    const seal = codec.parseFrame(hex(SEAL), 0, SEAL_POSITION);
    if (frame.status !== "records" || seal.status !== "seal" || seal.summary === undefined)
      throw new Error("unreadable");
    expect(seal.summary).toEqual({ records: 3, length: SEAL_POSITION, digest: 1_920_523_431 });
    const tally = new LogTally();
    for (const record of frame.records) tally.add(record.checksum);
    expect(tally.matches(seal.summary, POSITION + frame.length)).toBe(true);
  });

  test("contradicts records that are swapped, doubled or missing", () => {
    const checksums = [0x844c8f75, 0xc8e806b6, 0x5a69ecc6];
    const matches = (order: readonly number[], length: number): boolean => {
      const tally = new LogTally();
      for (const index of order) tally.add(checksums[index] ?? 0);
      return tally.matches({ records: 3, length: SEAL_POSITION, digest: 1_920_523_431 }, length);
    };
    expect(matches([0, 1, 2], SEAL_POSITION)).toBe(true);
    expect(matches([0, 1, 2], SEAL_POSITION + 1)).toBe(false);
    for (const order of [
      [0, 2, 1],
      [1, 0, 2],
      [0, 1],
      [0, 1, 1],
      [0, 1, 2, 2],
    ])
      expect(matches(order, SEAL_POSITION)).toBe(false);
  });

  test("is damaged by every change of one bit", () => {
    for (const flipped of everyFlip(hex(SEAL)))
      expect(codec.parseFrame(flipped, 0, SEAL_POSITION).status).toBe("damaged");
  });

  test("is none inside a batch, or with more in its frame", () => {
    const put1 = hex("01 01 0100 01000000 61 31");
    const sealed = hex("03 00 0000 14000000 0300000000000000 7800000000000000 a7dc7872");
    for (const records of [[put1, sealed], [sealed, put1], [sealed, sealed], [hex("03 00 0000 00000000")]]) {
      expect(codec.parseFrame(frameOfRaw(records), 0, POSITION).status).toBe("damaged");
    }
    expect(codec.parseFrame(frameOfRaw([put1]), 0, POSITION).status).toBe("records");
    expect(codec.parseFrame(frameOfRaw([sealed]), 0, POSITION).status).toBe("seal");
  });

  test("is not decoded as a record", () => {
    expect(codec.decodeRecord(hex(SEAL).subarray(8), SEAL_POSITION + 8)).toBeUndefined();
  });
});

describe("with checksums that are right", () => {
  test("kinds and flags that do not exist are refused", () => {
    for (const kind of [0, 4, 5, 0x80, 0xff]) {
      expect(
        codec.parseFrame(frameOfRaw([Buffer.of(kind, 1, 1, 0, 1, 0, 0, 0, 0x61, 0x31)]), 0, POSITION).status,
      ).toBe("damaged");
    }
    for (const flags of [8, 16, 32, 64, 0x80, 0x81]) {
      expect(
        codec.parseFrame(frameOfRaw([Buffer.of(1, flags, 1, 0, 1, 0, 0, 0, 0x61, 0x31)]), 0, POSITION).status,
      ).toBe("damaged");
    }
  });

  test("records that do not fill their frame exactly are refused", () => {
    const record = hex("01 01 0100 01000000 61 31");
    for (const length of [9, 10, 11, 12, 13, 15, 27]) {
      const bytes = Buffer.concat([frameOfRaw([record]).subarray(0, 22), Buffer.alloc(32)]);
      writeLength(bytes, length);
      expect(codec.parseFrame(bytes, 0, POSITION).status).toBe("damaged");
    }
  });

  test("a frame of more than 1 GiB, and one of nothing, is refused before anything is asked for", () => {
    const bytes = Buffer.alloc(64);
    for (const length of [0, MAX_FRAME_BYTES + 1, 0x7fff_ffff, 0xffff_ffff]) {
      writeLength(bytes, length);
      expect(codec.parseFrame(bytes, 0, POSITION).status).toBe("damaged");
    }
    writeLength(bytes, MAX_FRAME_BYTES);
    expect(codec.parseFrame(bytes, 0, POSITION)).toEqual({
      status: "incomplete",
      needed: 8 + MAX_FRAME_BYTES,
    });
  });
});

test("a run of zeros, or of ones, is nowhere a frame", () => {
  const random = new Random(1);
  for (const fill of [0, 0xff]) {
    const bytes = Buffer.alloc(4096, fill);
    for (let run = 0; run < 5000; run += 1) {
      const position = run < 4096 ? run : random.below(2 ** 32) * 1024;
      expect(codec.parseFrame(bytes, 0, position).status).toBe("damaged");
      expect(codec.decodeRecord(bytes.subarray(0, 12 + random.below(64)), position)).toBeUndefined();
    }
  }
});

test("noise is nowhere a frame", () => {
  const random = new Random(2);
  const bytes = random.bytes(20_000);
  for (let offset = 0; offset < bytes.length - 64; offset += 1) {
    expect(codec.parseFrame(bytes, offset, POSITION + offset).status).toBe("damaged");
    expect(codec.decodeRecord(bytes.subarray(offset, offset + 64), offset)).toBeUndefined();
  }
});

test("the longest key comes back, a longer one is refused", () => {
  const key = Buffer.alloc(MAX_KEY_BYTES, 0xee);
  expect(MAX_KEY_BYTES).toBe(65_535);
  const frame = codec.parseFrame(frameOf(codec, POSITION, [put(key, "v")]), 0, POSITION);
  if (frame.status !== "records") throw new Error(`It is ${frame.status}`);
  expect(keyBytes(frame.records[0]?.key ?? encodeKey("")).equals(key)).toBe(true);
  expect(() => encodeKey(Buffer.alloc(MAX_KEY_BYTES + 1))).toThrow(
    "it is 65536 bytes, at most 65535 are possible",
  );
  expect(() => encodeKey("é".repeat(32_768))).toThrow("it is 65536 bytes");
  expect(encodeKey(`${"é".repeat(32_767)}e`).length).toBe(MAX_KEY_BYTES);
});

test("keys are their bytes, and compare as these do", () => {
  const keys = ["", "\0", "A", "a", "é", "\u{ffff}", "\u{1f600}"];
  expect(keys.map(encodeKey).toSorted()).toEqual(keys.map(encodeKey));
  for (const key of keys) {
    expect(decodeKey(encodeKey(key))).toBe(key);
    expect(encodeKey(Buffer.from(key))).toBe(encodeKey(key));
  }
  expect(decodeKey(encodeKey(Buffer.of(0xff)))).toBeUndefined();
  expect(() => encodeKey("\ud800")).toThrow("lone surrogate");
});

function encodingOf(mutation: Mutation): string | undefined {
  return codec.decodeRecord(frameOf(codec, POSITION, [mutation]).subarray(8), POSITION + 8)?.encoding;
}

/** A frame at `POSITION` of records that may be nonsense, with the checksums that docs/format.md asks for. */
function frameOfRaw(bodies: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(8)];
  let position = POSITION + 8;
  for (const body of bodies) {
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(body, seedAt(position)));
    parts.push(checksum, body);
    position += 4 + body.length;
  }
  const frame = Buffer.concat(parts);
  writeLength(frame, frame.length - 8);
  return frame;
}

function writeLength(frame: Buffer, length: number): void {
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(crc32(frame.subarray(0, 4), seedAt(POSITION)), 4);
}

function seedAt(position: number): number {
  return (crc32(Buffer.from(LOG_ID, "hex")) ^ position) >>> 0;
}
