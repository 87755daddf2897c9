import { KvsError } from "../format/errors.ts";

/** Nothing is lost by a failure to close what was only read, or to remove what can be made anew. */
export function closeQuietly(close: () => void): void {
  try {
    close();
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
  }
}
