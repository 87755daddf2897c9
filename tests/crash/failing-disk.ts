import type { Disk } from "../../src/disk/disk.ts";
import { realDisk } from "../../src/disk/real-disk.ts";
import { KvsError } from "../../src/format/errors.ts";

/** What happens at the chosen call to the disk, and after it. */
export type Failing =
  /** The process dies there: that call and all later ones throw, and nothing is cleaned up. */
  | "death"
  /** That one call fails with EIO. */
  | "one error"
  /** That call and all later ones do. */
  | "errors for good";

/** Giving things back is never made to fail: a process that dies does it as well. */
const ALWAYS_WORKING: ReadonlySet<string> = new Set([
  "absolute",
  "bootId",
  "close",
  "closeInBackground",
  "unlock",
]);

/** The real disk, whose calls are counted, and one of them made to fail. */
export class FailingDisk {
  readonly disk: Disk = this.#wrap(realDisk);
  readonly #failing: Failing;
  readonly #failAt: number;
  readonly #files = new Set<{ close(): void }>();
  calls = 0;
  /** The call that failed first. */
  failed: string | undefined;

  constructor(failing: Failing, failAt: number) {
    this.#failing = failing;
    this.#failAt = failAt;
  }

  /** Closes what is open, as the operating system does for a process that died. */
  closeAll(): void {
    for (const file of this.#files) file.close();
    this.#files.clear();
  }

  #wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (inner, name) => {
        const member: unknown = Reflect.get(inner, name);
        if (typeof member !== "function" || typeof name !== "string") return member;
        return (...args: unknown[]): unknown =>
          this.#call(inner, name, member as (...args: unknown[]) => unknown, args);
      },
    });
  }

  #call(
    target: object,
    name: string,
    method: (...args: unknown[]) => unknown,
    args: readonly unknown[],
  ): unknown {
    if (!ALWAYS_WORKING.has(name)) this.#count(name);
    if (name.startsWith("close")) this.#files.delete(target as { close(): void });
    const result = method.apply(target, [...args]);
    if (typeof result !== "object" || result === null || !("close" in result)) return result;
    this.#files.add(result as { close(): void });
    return this.#wrap(result);
  }

  #count(name: string): void {
    this.calls += 1;
    const fails = this.#failing === "one error" ? this.calls === this.#failAt : this.calls >= this.#failAt;
    if (!fails) return;
    this.failed ??= name;
    if (this.#failing === "death") throw new Error(`The process died in ${name}`);
    throw new KvsError("IO", `Cannot ${name}: injected`, { cause: { code: "EIO" } });
  }
}
