import { runBriefly } from "./cli/brief.ts";

/** The longest that a timer can wait. */
const FOR_EVER_MS: number = 2 ** 31 - 1;

const argv = process.argv.slice(2);
const exitCode = runBriefly(argv, process.env);
// What the brief part leaves is tried from its start by the other, which has its own copy of all that both need.
// No `await` here: a module that has one is started in another way, which takes longer, waited for or not.
if (exitCode === undefined) void runWhole();
else process.exit(exitCode);

async function runWhole(): Promise<void> {
  // What is waited for may keep no process going: a Worker does not while a store is to be closed behind it.
  setInterval(() => undefined, FOR_EVER_MS);
  const { run } = await import("./cli/run.ts");
  process.exit(await run(argv));
}
