import type { OpenOptions } from "../../src/index.ts";
import { inParallel } from "../support/pool.ts";
import { answerOf, isMessage } from "../support/run-command.ts";
import { type Command, kvsCommand, type Program, serving } from "../support/session.ts";
import { inDirectory } from "../support/temporary.ts";
import type { Campaign } from "./campaign.ts";
import { History } from "./history.ts";
import { converse, drawSteps } from "./scripted-process.ts";
import { survives } from "./survival.ts";

/** A disk that has no room any more, whoever runs this way. */
export interface FullDisk {
  readonly path: string;
  /** The same command on that disk. */
  on(command: Command): Command;
  /** Makes room. */
  relieve(): void;
}

interface Configuration {
  readonly program: Program;
  readonly options: OpenOptions;
  /** So large a file may be at most, and less. */
  readonly limit: number;
}

const CONFIGURATIONS: readonly Configuration[] = [
  { program: "binary", options: { durability: "os" }, limit: 4500 },
  { program: "library", options: { durability: "sync" }, limit: 4500 },
  { program: "library", options: { format: "json", generationBytes: 2000 }, limit: 3500 },
  { program: "binary", options: { durability: "sync", generationBytes: 500 }, limit: 2500 },
  { program: "library", options: { generationBytes: 300 }, limit: 1000 },
];

const BYTES: number = CONFIGURATIONS.reduce((sum, { limit }) => sum + limit, 0);

/** So many writes of so many bytes at most do not fit. */
const WRITES = { count: 100, valueBytes: 50 };
const LIMITS_A_RUN = 10;
const AT_ONCE = 3;
const STRIDE = 7919;

export const fullDisk: Campaign = {
  name: "full-disk",
  test: 9,
  shows: "1 to 4: a file-size limit at every byte; no acknowledged loss, rm and compact work or say why not",
  unit: "limits",
  full: BYTES,
  run: async (seed) => {
    const numbers = Array.from(
      { length: LIMITS_A_RUN },
      (_, at) => ((seed * LIMITS_A_RUN + at) * STRIDE) % BYTES,
    );
    const failures = await inParallel(numbers, AT_ONCE, (number) =>
      inDirectory((path) => meetLimit(path, number)),
    );
    return { cases: numbers.length, failures: failures.filter((failure) => failure !== undefined) };
  },
};

/** The limit of this number, and who meets it. */
function limitAt(number: number): Configuration {
  let limit = number;
  for (const configuration of CONFIGURATIONS) {
    if (limit < configuration.limit) return { ...configuration, limit };
    limit -= configuration.limit;
  }
  throw new Error(`There are only ${BYTES} limits`);
}

async function meetLimit(path: string, number: number): Promise<string | undefined> {
  const { program, options, limit } = limitAt(number);
  const limited = ({ argv, env }: Command): Command => ({
    argv: ["prlimit", `--fsize=${limit}`, ...argv],
    env,
  });
  try {
    await fillUp(
      { path, on: limited, relieve: () => undefined },
      { program, options, seed: number, ...WRITES },
    );
    return undefined;
  } catch (error) {
    return `${program}, ${limit} bytes, ${JSON.stringify(options)}: ${String(error)}`;
  }
}

/** Who fills a disk, and how. */
export interface Filling {
  readonly program: Program;
  readonly options: OpenOptions;
  readonly seed: number;
  readonly count: number;
  readonly valueBytes: number;
}

/** Writes until the disk is full, goes on with what should help, and then with more room; whether it was full. */
export async function fillUp(
  disk: FullDisk,
  { program, seed, count, valueBytes, ...filling }: Filling,
): Promise<boolean> {
  const { path } = disk;
  // What compacts in a process of its own might do so still while all is looked at.
  const options = program === "library" ? filling.options : { ...filling.options, autoCompact: false };
  const history = new History();
  const requests = drawSteps(seed, count, history, valueBytes).map(({ request }) => request);
  const { answered, asked, code } = await converse(disk.on(serving(program, path, options)), requests);
  // A library that cannot so much as close says so with an error that nobody catches.
  if (code === null || (program === "binary" && code !== 0)) throw new Error(`it ended with ${code}`);

  const quiet = { ...options, autoCompact: false };
  const isRemoved = await tryAt(disk, quiet, ["rm", "k1"]);
  await tryAt(disk, quiet, ["compact"]);
  disk.relieve();
  await requireOneOf(disk, { history, least: answered, most: asked, isRemoved, options });
  return answered < asked;
}

interface Left {
  readonly history: History;
  readonly least: number;
  readonly most: number;
  readonly isRemoved: boolean | undefined;
  readonly options: OpenOptions;
}

/** What was written until the disk was full, or cut off then; and without the key, if that was removed. */
async function requireOneOf(
  { path }: FullDisk,
  { history, least, most, isRemoved, options }: Left,
): Promise<void> {
  const removal = [{ key: "k1", value: undefined, expiresAt: 0 }];
  const states = new History();
  // Each possible state, and behind it the same without the key.
  for (let count = least; count <= most; count += 1) {
    const content = [...history.at(count)].map(([key, { value }]) => ({ key, value, expiresAt: 0 }));
    const clear = [...states.content.keys()].map((key) => ({ key, value: undefined, expiresAt: 0 }));
    if (isRemoved !== true) states.push([...clear, ...content]);
    if (isRemoved !== false) states.push([...clear, ...content, ...removal]);
  }
  await survives(path, { history: states, least: 1, most: states.length }, options);
}

/** Whether a command was carried out; undefined where it failed and said why, so that nobody knows. */
async function tryAt(
  disk: FullDisk,
  options: OpenOptions,
  args: readonly string[],
): Promise<boolean | undefined> {
  const { code, stderr } = await answerOf(disk.on(kvsCommand(disk.path, options, args)));
  if (code === 0) return true;
  // There is no such key, or there is no store.
  if (code === 1 && isMessage(stderr)) return false;
  if (code === 3 && isMessage(stderr)) return undefined;
  throw new Error(`${args.join(" ")}: ${code} ${stderr}`);
}
