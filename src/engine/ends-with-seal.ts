import { BINARY_SEAL_BYTES } from "../format/binary-layout.ts";
import type { LogCodec } from "../format/codec.ts";
import { JSON_SEAL } from "../format/json-codec.ts";
import type { LogBytes } from "./log-bytes.ts";

/** True when a log's last bytes are a seal for a log of this length: a cheap check that it is whole. */
export function endsWithSeal(bytes: LogBytes, codec: LogCodec, headerBytes: number): boolean {
  const sealBytes = codec.format === "binary" ? BINARY_SEAL_BYTES : JSON_SEAL.length;
  const at = bytes.size() - sealBytes;
  if (at < headerBytes) return false;
  const before = bytes.read(at - 1, 1 + sealBytes);
  const frame = codec.parseFrame(before, 1, at);
  if (frame.status !== "seal") return false;
  return frame.summary === undefined ? before[0] === JSON_SEAL.charCodeAt(0) : frame.summary.length === at;
}
