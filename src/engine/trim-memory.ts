import { forgetMappedPages } from "../disk/map-file.ts";

/**
 * Gives back what this process does not need just now: garbage, and the pages of
 * mapped files. For work that passes through all of a store once; a few
 * milliseconds.
 */
export function trimMemory(): void {
  Bun.gc(true);
  forgetMappedPages();
}
