import type { BatchOperation } from "../../engine/options.ts";
import { KvsError } from "../../format/errors.ts";
import { decodeKey, keyBytes } from "../../format/key.ts";
import type { Mutation } from "../../format/record.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE, USAGE } from "../exit-codes.ts";
import { Failure } from "../failures.ts";
import { jsonl } from "../formats/jsonl.ts";
import { chunksOf, openSource } from "../source.ts";

export const batch: Command = defineCommand({
  meta: { name: "batch", description: "Carry out JSON Lines commands from standard input, all or none" },
  args: {},
  examples: [`printf '%s\\n' '{"Set":{"key":"a","value":"1"}}' '{"Remove":{"key":"b"}}' | kvs batch`],
  async run({ data }) {
    const operations = await readOperations(data.literal);
    // One frame, one sync: what is not applied whole is not there at all.
    await data.create().batch(operations);
    return DONE;
  },
});

async function readOperations(literal: ReadonlySet<string>): Promise<BatchOperation[]> {
  const source = openSource(undefined, literal);
  const decoder = jsonl.decoder();
  const now = Date.now();
  const operations: BatchOperation[] = [];
  try {
    for await (const chunk of chunksOf(source)) {
      for (const mutation of decoder.push(chunk)) operations.push(operationOf(mutation, now));
    }
    for (const mutation of decoder.end()) operations.push(operationOf(mutation, now));
    return operations;
  } catch (error) {
    if (!(error instanceof KvsError) || error.code === "IO") throw error;
    throw new Failure(
      USAGE,
      `Cannot use ${decoder.place} of ${source.name}, nothing was changed: ${error.message}`,
    );
  }
}

/** What has expired by now removes what was there before. */
function operationOf({ kind, key, value, expiresAt }: Mutation, now: number): BatchOperation {
  const stored = decodeKey(key) ?? keyBytes(key);
  if (kind === "remove" || (expiresAt !== 0 && expiresAt <= now)) return { remove: stored };
  return { set: [stored, value], ...(expiresAt === 0 ? {} : { ttlMs: expiresAt - now }) };
}
