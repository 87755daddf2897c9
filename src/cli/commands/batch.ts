import { KvsError } from "../../format/errors.ts";
import type { Mutation } from "../../format/record.ts";
import { type Command, defineCommand } from "../command.ts";
import { DONE, USAGE } from "../exit-codes.ts";
import { Failure } from "../failures.ts";
import { jsonl } from "../formats/jsonl.ts";
import { chunksOf, openStandardInput } from "../source.ts";

export const batch: Command = defineCommand({
  meta: { name: "batch", description: "Carry out JSON Lines commands from standard input, all or none" },
  args: {},
  examples: [`printf '%s\\n' '{"Set":{"key":"a","value":"1"}}' '{"Remove":{"key":"b"}}' | kvs batch`],
  async run({ data }) {
    const mutations = await readMutations();
    // One frame, one sync: what is not applied whole is not there at all.
    const client = await data.create();
    await client.batch(mutations);
    return DONE;
  },
});

async function readMutations(): Promise<Mutation[]> {
  const source = openStandardInput();
  const decoder = jsonl.decoder();
  const now = Date.now();
  const mutations: Mutation[] = [];
  try {
    for await (const chunk of chunksOf(source)) {
      for (const mutation of decoder.push(chunk)) mutations.push(liveOf(mutation, now));
    }
    for (const mutation of decoder.end()) mutations.push(liveOf(mutation, now));
    return mutations;
  } catch (error) {
    if (!(error instanceof KvsError) || error.code === "IO") throw error;
    throw new Failure(
      USAGE,
      `Cannot use ${decoder.place} of ${source.name}, nothing was changed: ${error.message}`,
    );
  }
}

/** What has expired by now removes what was there before. */
function liveOf(mutation: Mutation, now: number): Mutation {
  const { kind, key, expiresAt } = mutation;
  const isLive = kind === "put" && (expiresAt === 0 || expiresAt > now);
  return isLive ? mutation : { kind: "remove", key, value: "", expiresAt: 0 };
}
