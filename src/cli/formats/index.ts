import { UsageError } from "../failures.ts";
import type { TransferFormat } from "./format.ts";
import { jsonl } from "./jsonl.ts";
import { mdb } from "./mdb.ts";
import { nul } from "./nul.ts";
import { tsv } from "./tsv.ts";

const FORMATS: Readonly<Record<string, TransferFormat | undefined>> = { jsonl, tsv, nul, mdb };

/** The flag that chooses one of them. */
export const AS_ARG = {
  as: {
    type: "string",
    valueHint: "jsonl|tsv|nul|mdb",
    description:
      "JSON Lines (default), tab-separated lines, NUL-ended, or LMDB's dump; only jsonl holds expiries",
  },
} as const;

/** The format of that name; JSON Lines without one. */
export function formatNamed(name = "jsonl"): TransferFormat {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format === undefined) throw new UsageError(`--as is "${name}", expected jsonl, tsv, nul or mdb`);
  return format;
}
