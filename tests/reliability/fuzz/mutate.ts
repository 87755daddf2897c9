import type { SeededRandom } from "../../support/random.ts";

/** Numbers at which parsers go wrong. */
const ODD_NUMBERS = [
  0, 1, 2, 3, 7, 8, 9, 63, 64, 127, 128, 255, 256, 4095, 4096, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
  0xffffffff,
] as const;

/** Changes a valid input in one to four places. `words` are what inputs of this kind are made of. */
export function mutate(random: SeededRandom, input: Buffer, words: readonly Buffer[] = []): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(4); left > 0; left -= 1) bytes = change(random, bytes, words);
  return bytes;
}

function change(random: SeededRandom, bytes: Buffer, words: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + random.below(random.pick([2, 10, 100])));
  const word = words[random.below(words.length)] ?? Buffer.of(random.below(256));
  switch (random.below(9)) {
    case 0:
      return spliced(bytes, at, at, word);
    case 1:
      return spliced(bytes, at, Math.min(bytes.length, at + word.length), word);
    case 2:
      return spliced(bytes, at, end, Buffer.alloc(0));
    case 3:
      return spliced(bytes, end, end, bytes.subarray(at, end));
    case 4:
      return spliced(bytes, at, end, Buffer.alloc(end - at, random.pick([0, 0xff, 0x20, 0x0a, 0x7b])));
    case 5:
      return random.below(4) === 0 ? bytes.subarray(0, at) : bytes;
    case 6:
      return withNumber(random, bytes, at);
    default:
      return withFlippedBit(random, bytes);
  }
}

function spliced(bytes: Buffer, from: number, to: number, instead: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), instead, bytes.subarray(to)]);
}

function withNumber(random: SeededRandom, bytes: Buffer, at: number): Buffer {
  const number = random.pick(ODD_NUMBERS);
  const size = random.pick([1, 2, 4, 8]);
  if (at + size > bytes.length) return bytes;
  const changed = Buffer.from(bytes);
  if (size === 1) changed[at] = number & 0xff;
  else if (size === 2) changed.writeUInt16LE(number & 0xffff, at);
  else changed.writeUInt32LE(number, at);
  if (size === 8) changed.writeUInt32LE(random.pick(ODD_NUMBERS), at + 4);
  return changed;
}

function withFlippedBit(random: SeededRandom, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const changed = Buffer.from(bytes);
  const bit = random.below(bytes.length * 8);
  changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** The bytes in pieces of any size, as a pipe may give them. */
export function chunksOf(random: SeededRandom, bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.pick([1, 4, 40, 1000])));
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
