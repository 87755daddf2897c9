import type { ScanOptions } from "../engine/options.ts";
import type { StoreClient } from "./client.ts";
import { escapeLine, escapeLineForTerminal } from "./escapes.ts";
import { NO } from "./exit-codes.ts";
import { Failure } from "./failures.ts";
import { jsonLine } from "./json-line.ts";
import type { Output } from "./output.ts";
import { STDOUT, isTerminal } from "./terminal.ts";

/** Which part of each record is printed. */
export type Part = "keys" | "values" | "both";

/** How records are told apart: escaped lines, NUL bytes, or JSON Lines. */
export type Style = "lines" | "null" | "json";

export interface PrintOptions {
  readonly out: Output;
  readonly part: Part;
  readonly style: Style;
}

type PrintRecord = (fields: Fields) => void;

interface Fields {
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
}

/** Prints the records of a range, in constant memory. */
export async function printRecords(
  client: StoreClient,
  range: ScanOptions,
  options: PrintOptions,
): Promise<void> {
  const print = await printerOf(options);
  if (options.part === "keys") {
    for await (const key of client.keys(range)) print({ key });
    return;
  }
  for await (const [key, value] of client.entries(range))
    print(options.part === "values" ? { value } : { key, value });
}

async function printerOf({ out, style }: PrintOptions): Promise<PrintRecord> {
  if (style === "json") return (fields) => out.write(jsonLine(fields));
  if (style === "null") return (fields) => printNullEnded(out, fields);
  const escape = (await isTerminal(STDOUT)) ? escapeLineForTerminal : escapeLine;
  return ({ key, value }) => {
    if (key !== undefined) out.write(escape(key));
    if (key !== undefined && value !== undefined) out.write("\t");
    if (value !== undefined) out.write(escape(value));
    out.write("\n");
  };
}

function printNullEnded(out: Output, { key, value }: Fields): void {
  const parts = [key, value].filter((part) => part !== undefined);
  if (parts.some((part) => part.includes(0))) {
    out.flush();
    throw new Failure(NO, "Cannot print a record that holds a NUL byte: use --json");
  }
  for (const part of parts) {
    out.write(part);
    out.write("\0");
  }
}
