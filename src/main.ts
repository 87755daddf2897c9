import { runBriefly } from "./cli/brief.ts";

/** The longest that a timer can wait. */
const FOR_EVER_MS: number = 2 ** 31 - 1;

const argv = process.argv.slice(2);
const exitCode = runBriefly(argv, process.env);
// No `await` here: a module that has one is started in another way, which takes longer, waited for or not.
if (exitCode === undefined) void runWhole();
else process.exit(exitCode);

async function runWhole(): Promise<void> {
  // What is waited for may be nothing that keeps the process going.
  setInterval(() => undefined, FOR_EVER_MS);
  const { run } = await import("./cli/run.ts");
  process.exit(await run(argv));
}
