import * as fs from "node:fs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

/** Their numbers on Linux. */
const NUMBERS: Readonly<Record<Signal, number>> = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

/** Found out once: a handler of ours changes the answer. */
let heeded: readonly Signal[] | undefined;

/**
 * Runs `clean` when one of the signals comes, then dies of it, as a shell loop needs to
 * see. Returns how to undo that. Handlers run between turns of the event loop, so long
 * work must yield.
 * One that the caller has told to be ignored stays so, as SIGINT is behind `&` in a script.
 */
export function onSignal(clean: () => unknown): () => void {
  heeded ??= SIGNALS.filter((signal) => !isIgnored(signal));
  const handlers = heeded.map((signal) => [signal, () => void cleanAndDie(clean, signal)] as const);
  for (const [signal, handler] of handlers) process.once(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** As Linux tells it, a bit for each signal, in hexadecimal; other systems do not say. */
function isIgnored(signal: Signal): boolean {
  try {
    const [, mask = "0"] =
      /^SigIgn:\s*([0-9a-f]+)$/m.exec(fs.readFileSync("/proc/self/status", "latin1")) ?? [];
    return ((BigInt(`0x${mask}`) >> BigInt(NUMBERS[signal] - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}

async function cleanAndDie(clean: () => unknown, signal: NodeJS.Signals): Promise<void> {
  try {
    await clean();
  } finally {
    for (const each of SIGNALS) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  }
}
