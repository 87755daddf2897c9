import type { Damage } from "../engine/findings.ts";
import { explain } from "../engine/log-walk.ts";
import { countOf } from "./numbers.ts";
import { typedPath } from "./typed-paths.ts";

/** One line about a place in a file of the store, which the user calls `location`. */
export function describeDamage(
  what: string,
  { file, offset, bytes, reason, at }: Damage,
  location: string,
): string {
  const name = JSON.stringify(typedPath(file, [location]));
  const extent = bytes === 0 ? "" : `, ${countOf(bytes, "byte")}`;
  return `${what}: ${name} at offset ${offset}${extent}: ${explain({ reason, at })}`;
}
