import { ByteWriter } from "../../src/format/bytes.ts";
import type { LogCodec } from "../../src/format/codec.ts";
import { encodeKey } from "../../src/format/key.ts";
import type { Mutation, SealSummary } from "../../src/format/record.ts";

export function put(key: string | Uint8Array, value: string | Uint8Array, expiresAt = 0): Mutation {
  return { kind: "put", key: encodeKey(key), value, expiresAt };
}

export function remove(key: string | Uint8Array): Mutation {
  return { kind: "remove", key: encodeKey(key), value: "", expiresAt: 0 };
}

/** The bytes of one frame. */
export function frameOf(codec: LogCodec, position: number, mutations: readonly Mutation[]): Buffer {
  const out = new ByteWriter(64);
  codec.encodeFrame(out, position, mutations);
  return Buffer.from(out.view());
}

/** The bytes of a seal. */
export function sealOf(codec: LogCodec, position: number, summary: SealSummary): Buffer {
  const out = new ByteWriter(64);
  codec.encodeSeal(out, position, summary);
  return Buffer.from(out.view());
}

/** Bytes given as hex digits; white space between them is passed over. */
export function hex(digits: string): Buffer {
  const text = digits.replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`Not hex: ${text}`);
  return Buffer.from(text, "hex");
}

/** Copies of `bytes` with one bit changed, every bit in its turn. */
export function* everyFlip(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}
