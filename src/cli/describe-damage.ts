import type { Damage } from "../engine/findings.ts";
import { countOf } from "./numbers.ts";

/** One line about a place in a file. */
export function describeDamage(what: string, { file, offset, bytes, reason }: Damage): string {
  const extent = bytes === 0 ? "" : `, ${countOf(bytes, "byte")}`;
  return `${what}: ${JSON.stringify(file)} at offset ${offset}${extent}: ${reason}`;
}
