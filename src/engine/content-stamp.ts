import type { ContentStamp } from "../format/index-file.ts";
import { digestOf } from "./file-digest.ts";
import type { Log } from "./log.ts";

/** Sums up a log whose records have no checksums, so that a change of its bytes is noticed. */
export function contentStampOf(log: Log): ContentStamp {
  // Before the bytes are read: what is changed meanwhile then shows.
  const stamp = log.stamp();
  return { ...stamp, digest: digestOf(log) };
}

/** Whether a log has the content it was stamped with: looked at closely only if the file is another one by now. */
export function hasSameContent(log: Log, content: ContentStamp): boolean {
  return hasSameStamp(log, content) || digestOf(log) === content.digest;
}

/** Whether the file is the one that was stamped, and was not written to since. */
export function hasSameStamp(log: Log, content: ContentStamp): boolean {
  const { inode, modified } = log.stamp();
  return inode === content.inode && modified === content.modified;
}
