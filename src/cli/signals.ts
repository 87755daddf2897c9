import type { StoreClient } from "./client.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs long work so that SIGINT and SIGTERM keep what it has written: the store is
 * closed, then the process dies of that signal, as a shell loop needs to see.
 * Handlers run between turns of the event loop, so the work must yield.
 */
export async function closeOnSignal<T>(client: StoreClient, work: () => Promise<T>): Promise<T> {
  const release = onSignal(() => client.close());
  try {
    return await work();
  } finally {
    release();
  }
}

/** Runs `clean` when one of the signals comes, then dies of it. Returns how to undo that. */
export function onSignal(clean: () => unknown): () => void {
  const handlers = SIGNALS.map((signal) => [signal, () => void cleanAndDie(clean, signal)] as const);
  for (const [signal, handler] of handlers) process.once(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

async function cleanAndDie(clean: () => unknown, signal: NodeJS.Signals): Promise<void> {
  try {
    await clean();
  } finally {
    for (const each of SIGNALS) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  }
}
