import type { Disk } from "../disk/disk.ts";
import { indexName } from "../disk/file-names.ts";
import { crc32 } from "../format/bytes.ts";
import {
  type IndexSummary,
  isSoundPage,
  PAGE_BYTES,
  pageSeedOf,
  parseIndexHeader,
} from "../format/index-file.ts";
import { Findings } from "./findings.ts";
import { patient, type PatientFile } from "./patient-file.ts";
import type { OpenLog } from "./store-files.ts";

const CHUNK_BYTES: number = 256 * PAGE_BYTES;

/** What every finding ends with: an index is no loss. */
const REMADE = "the next compaction makes the index anew";

/** An index that was read, and what is wrong with it. */
export interface VerifiedIndex {
  readonly bytes: number;
  readonly damage: Findings;
}

/** Verifies every page of the indexes of these logs, and that they are the indexes of these logs. */
export function* verifyIndexes(
  disk: Disk,
  directory: string,
  logs: readonly OpenLog[],
): Generator<void, VerifiedIndex[]> {
  const verified: VerifiedIndex[] = [];
  for (const log of logs) {
    const opened = disk.openToRead(`${directory}/${indexName(log)}`);
    if (opened === undefined) continue;
    try {
      verified.push(yield* verifyIndex(patient(opened), log));
    } finally {
      opened.close();
    }
  }
  return verified;
}

function* verifyIndex(file: PatientFile, log: OpenLog): Generator<void, VerifiedIndex> {
  const name = indexName(log);
  const bytes = file.size();
  const damage = new Findings();
  const { header } = log.start;
  const add = (offset: number, length: number, reason: string): void =>
    damage.add({ file: name, offset, bytes: length, reason: `${reason}; ${REMADE}` });
  // Without the log's id no page can be told from that of another log.
  if (header === undefined) return { bytes, damage };
  const seed = pageSeedOf(header.logId);
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = file.read(at, CHUNK_BYTES);
    for (let start = 0; start < chunk.length; start += PAGE_BYTES) {
      const page = (at + start) / PAGE_BYTES;
      const length = Math.min(PAGE_BYTES, chunk.length - start);
      if (length < PAGE_BYTES || !isSoundPage(chunk, start, page, seed)) {
        add(at + start, length, "a page fails its checksum");
      }
    }
    yield;
  }
  const first = file.read(0, PAGE_BYTES);
  const parsed = first.length < PAGE_BYTES ? undefined : parseIndexHeader(first, header.logId);
  if (damage.count > 0) return { bytes, damage };
  if (parsed === undefined) add(0, bytes, "it is not the index of this log");
  else if (parsed.layout.pages * PAGE_BYTES !== bytes) add(bytes, 0, "the index breaks off");
  else if (!(yield* fits(parsed.summary, log))) add(0, bytes, "the log is not as it was when it was indexed");
  return { bytes, damage };
}

/** Where records have no checksums, the index has one of all bytes of the log. */
function* fits(
  { logBytes, content }: IndexSummary,
  { size, file, start }: OpenLog,
): Generator<void, boolean> {
  if (logBytes !== size) return false;
  if (start.walkable?.codec.hasChecksums === true) return true;
  let digest = 0;
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const bytes = file.read(at, CHUNK_BYTES);
    digest = crc32(bytes, 0, bytes.length, digest);
    yield;
  }
  return digest === content.digest;
}
