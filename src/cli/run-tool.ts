import type { ToolOptions } from "../engine/options.ts";
import { startProgress } from "./progress.ts";
import type { Settings } from "./settings.ts";
import { onSignal } from "./signals.ts";

/**
 * Runs long work with a bar. On SIGINT, SIGTERM and SIGHUP the work is given up and cleans
 * up after itself, before the process dies of that signal.
 */
export async function runTool<T>(
  what: string,
  settings: Pick<Settings, "quiet">,
  work: (options: ToolOptions) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const progress = await startProgress(what, settings);
  const running = work({ onProgress: (done) => progress.update(done), signal: controller.signal });
  const release = onSignal(async () => {
    controller.abort();
    await running.catch(() => undefined);
    progress.end();
  });
  try {
    return await running;
  } finally {
    progress.end();
    release();
  }
}
