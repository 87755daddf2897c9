import { spawn } from "bun";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { KVS, type Sandbox } from "./run-kvs.ts";

export type ShellName = "bash" | "zsh" | "fish";

/** How each shell is started without anybody's settings, and what it reads instead. */
const STARTS: Readonly<Record<ShellName, (rc: string) => readonly string[]>> = {
  bash: (rc) => ["bash", "--noprofile", "--rcfile", rc, "-i"],
  zsh: () => ["zsh", "-i"],
  fish: (rc) => ["fish", "--no-config", "--init-command", `source ${rc}`, "--interactive"],
};

const SETTINGS: Readonly<Record<ShellName, string>> = {
  bash: `PS1='READY> '; bind 'set bell-style none'; bind 'set completion-query-items 0'; bind 'set page-completions off'
bind 'set enable-bracketed-paste off'; unset HISTFILE; source <(kvs completions bash)`,
  zsh: `PROMPT='READY> '; unsetopt beep prompt_sp; zstyle ':completion:*' menu no; LISTMAX=10000
autoload -Uz compinit && compinit -u -d "$ZDOTDIR/dump"; source <(kvs completions zsh)`,
  fish: `function fish_prompt; echo -n 'READY> '; end; function fish_title; end; set -g fish_greeting
set -g fish_autosuggestion_enabled 0; kvs completions fish | source`,
};

const LONGEST_WAIT_MS = 20_000;

/** A shell at a terminal, with the completion of kvs loaded, in which a person types. */
export class InteractiveShell implements AsyncDisposable {
  readonly #process: Bun.Subprocess;
  #shown = "";
  #runs = 0;

  private constructor(process: (data: (bytes: Uint8Array) => void) => Bun.Subprocess) {
    this.#process = process((bytes) => {
      this.#shown += Buffer.from(bytes).toString();
    });
  }

  static async start(
    name: ShellName,
    sandbox: Sandbox,
    env: Readonly<Record<string, string>> = {},
  ): Promise<InteractiveShell> {
    const bin = sandbox.path(".bin");
    mkdirSync(bin, { recursive: true });
    if (!existsSync(join(bin, "kvs"))) symlinkSync(KVS, join(bin, "kvs"));
    const rc = sandbox.path(".zshrc");
    writeFileSync(rc, SETTINGS[name]);
    const shell = new InteractiveShell((data) =>
      spawn([...STARTS[name](rc)], {
        cwd: sandbox.directory,
        env: {
          PATH: `${bin}:${process.env["PATH"] ?? ""}`,
          HOME: sandbox.directory,
          ZDOTDIR: dirname(rc),
          TERM: "dumb",
          LC_ALL: "C.UTF-8",
          ...env,
        },
        terminal: { cols: 1000, rows: 50, data: (_, bytes) => data(bytes) },
      }),
    );
    await shell.#until(/READY> /);
    return shell;
  }

  /** Types keys; Tab is `\t`. */
  type(keys: string): void {
    this.#process.terminal?.write(keys);
  }

  /** Types a command line and Enter; what is shown until it has run. */
  async run(keys: string): Promise<string> {
    this.#shown = "";
    this.#runs += 1;
    // What is typed differs from what is printed.
    this.type(`${keys} ; echo E''ND ${this.#runs}\r`);
    return await this.#until(new RegExp(`END ${this.#runs}`));
  }

  /** What is shown when the keys were typed and the shell has fallen silent. */
  async shownAfter(keys: string): Promise<string> {
    this.#shown = "";
    this.type(keys);
    await this.#settled();
    return Bun.stripANSI(this.#shown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#process.terminal?.close();
  }

  async #until(wanted: RegExp): Promise<string> {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    while (!wanted.test(Bun.stripANSI(this.#shown))) {
      if (performance.now() > deadline)
        throw new Error(`Waited for ${wanted.source}, shown is ${JSON.stringify(this.#shown)}`);
      await Bun.sleep(10);
    }
    return Bun.stripANSI(this.#shown);
  }

  async #settled(): Promise<void> {
    for (let before = ""; before !== this.#shown || before === ""; await Bun.sleep(300)) before = this.#shown;
  }
}
