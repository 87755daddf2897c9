import type { AppendableFile, AppendOptions, Disk } from "../disk/disk.ts";
import { logName } from "../disk/file-names.ts";
import { publish, writeTemporary } from "../disk/publish.ts";
import type { LogFormat } from "../format/codec.ts";
import { KvsError } from "../format/errors.ts";
import type { LogHeader } from "../format/header.ts";
import { encodeLogHeader } from "../format/log-header.ts";
import type { Generations } from "./generations.ts";
import { newAdoptingStoreId, newLogId } from "./identifiers.ts";
import type { Log } from "./log.ts";
import type { WriterContext } from "./writer-context.ts";

/** Where a log is created, and whose view of the store takes it up. */
type Place = Pick<WriterContext, "disk" | "directory" | "generations">;

/**
 * Creates the log that is written to next. It appears under its name with its
 * header whole and durable, so that a bad header is never a torn write.
 */
export function createLog(
  { disk, directory, generations }: Place,
  format: LogFormat,
  header: LogHeader,
): Log {
  const path = `${directory}/${logName(header)}`;
  const existing = disk.openToRead(path);
  existing?.close();
  // No name is ever written twice: a reader would take the new file for the old one.
  if (existing !== undefined)
    throw new KvsError("IO", `Cannot create "${path}": it is there already`, { file: path });
  writeTemporary(disk, path, (file) => file.append(encodeLogHeader(format, header), 0));
  publish(disk, directory, path);
  return openExisting(generations, path, header);
}

/** The number of the generation that follows a log's; an `IO` error behind the last there can be, which only a name made by hand has. */
export function generationAfter({ last, path }: Pick<Log, "last" | "path">): number {
  if (last < Number.MAX_SAFE_INTEGER) return last + 1;
  throw new KvsError("IO", `Cannot start a log behind "${path}": there is no higher number`, { file: path });
}

/** Creates the log that follows a sealed one, in the same store; behind a foreign one the first of ours. */
export function createSuccessor(place: Place, sealed: Log, format: LogFormat): Log {
  const number = generationAfter(sealed);
  const storeId = sealed.isForeign ? newAdoptingStoreId(number) : sealed.header.storeId;
  return createLog(place, format, {
    storeId,
    logId: newLogId(),
    first: number,
    last: number,
    inputs: [],
  });
}

/** Opens a log that this handle has just put in place. */
function openExisting(generations: Generations, path: string, header: LogHeader): Log {
  const log = generations.open(header);
  if (log !== undefined) return log;
  throw new KvsError("IO", `Cannot open "${path}": it vanished as soon as it was written`);
}

/** Opens a log's file to append to it. */
export function openAppender(disk: Disk, log: Log, options?: AppendOptions): AppendableFile {
  return disk.openToAppend(log.path, options);
}
