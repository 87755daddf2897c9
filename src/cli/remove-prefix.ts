import type { StoreClient } from "./client.ts";
import type { Context } from "./context.ts";
import { NO } from "./exit-codes.ts";
import { Failure, UsageError } from "./failures.ts";
import { readSome, STDIN_NAME } from "./input.ts";
import { writeToStderr } from "./messages.ts";
import { printRecords } from "./print-records.ts";
import { STDERR, STDIN, isTerminal } from "./terminal.ts";

const ANSWER_BYTES = 1024;

/** Removes every key with a prefix; nobody loses many keys without having said so. */
export async function removePrefix(
  data: Context,
  prefix: string,
  mode: "show" | "ask" | "remove",
): Promise<void> {
  if (mode === "show") {
    const reader = await data.open("read");
    if (reader !== undefined)
      await printRecords(reader, { prefix }, { out: data.out, part: "keys", style: "lines" });
    return;
  }
  if (mode === "ask" && !((await isTerminal(STDIN)) && (await isTerminal(STDERR)))) {
    throw new UsageError("rm --prefix removes many keys: say --yes, or see them with --dry-run");
  }
  const client = await data.open("change");
  if (client === undefined) return;
  if (mode === "ask" && !(await isConfirmed(client, prefix))) throw new Failure(NO, "Removed nothing");
  await client.deletePrefix(prefix);
}

async function isConfirmed(client: StoreClient, prefix: string): Promise<boolean> {
  const count = await client.count({ prefix });
  if (count === 0) return true;
  writeToStderr(
    `kvs: Remove ${count} ${count === 1 ? "key" : "keys"} with prefix ${JSON.stringify(prefix)}? [y/N] `,
  );
  const buffer = Buffer.alloc(ANSWER_BYTES);
  const length = readSome(STDIN, buffer, 0, STDIN_NAME);
  return /^\s*y(es)?\s*$/i.test(buffer.toString("utf8", 0, length));
}
