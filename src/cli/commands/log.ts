import type { LoggedRecord } from "../../engine/log-records.ts";
import { logRecords } from "../../engine/tools.ts";
import { type Command, defineCommand } from "../command.ts";
import { escapeTextForTerminal } from "../escapes.ts";
import { CORRUPT, DONE } from "../exit-codes.ts";
import { Failure, UsageError } from "../failures.ts";
import { withoutControls } from "../json-line.ts";
import { countOf } from "../numbers.ts";
import { pace } from "../pace.ts";
import { isTerminal, STDOUT } from "../terminal.ts";

export const logCommand: Command = defineCommand({
  meta: {
    name: "log",
    description: "Print every record as the command it is, where it stands and its state",
  },
  args: {
    generation: {
      type: "positional",
      required: false,
      description: "Print only the log that holds this generation",
    },
    json: { type: "boolean", description: "Print a JSON object a line" },
  },
  examples: ["kvs set greeting hello && kvs log"],
  async run({ args, data }) {
    const chosen = args.generation === undefined ? {} : { generation: parseGeneration(args.generation) };
    const isShown = args.json !== true && (await isTerminal(STDOUT));
    const pauseAfter = pace();
    let damaged = 0;
    let unknown = 0;
    for (const record of logRecords(data.directory, chosen)) {
      if ("damage" in record) damaged += 1;
      else if (record.state === "unknown") unknown += 1;
      const line = args.json === true ? withoutControls(JSON.stringify(record)) : lineOf(record);
      data.out.write(isShown ? escapeTextForTerminal(Buffer.from(line)) : line);
      data.out.write("\n");
      const pause = pauseAfter(line.length);
      // oxlint-disable-next-line no-await-in-loop -- others take their turn here
      if (pause !== undefined) await pause;
    }
    data.out.flush();
    refuseDoubt(damaged, unknown);
    return DONE;
  },
});

/** Where not all can be told, the printed records are no answer that a script may rely on. */
function refuseDoubt(damaged: number, unknown: number): void {
  if (damaged > 0) {
    const places = countOf(damaged, "place");
    throw new Failure(CORRUPT, `Cannot read all records: ${places} damaged, see kvs verify`);
  }
  if (unknown > 0) {
    const states = `the state of ${countOf(unknown, "record")}`;
    throw new Failure(CORRUPT, `Cannot tell ${states}: the store is damaged, see kvs verify`);
  }
}

/** Five columns with tabs between them; a command holds neither tab nor newline. */
function lineOf(record: LoggedRecord): string {
  const { log, offset, bytes } = record;
  const [state, text] = "damage" in record ? ["damaged", record.damage] : [record.state, record.command];
  return `${log}\t${offset}\t${bytes}\t${state}\t${text}`;
}

function parseGeneration(text: string): number {
  const generation = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  if (Number.isSafeInteger(generation) && generation > 0) return generation;
  throw new UsageError(`Cannot print generation "${text}": it is a whole number from 1 on`);
}
