import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { temporaryDirectory } from "../support/temporary.ts";

const SCRIPT = resolve(import.meta.dirname, "../../docs/install.sh");
const NAMES = [
  "kvs-linux-x64",
  "kvs-linux-x64-musl",
  "kvs-linux-arm64",
  "kvs-linux-arm64-musl",
  "kvs-macos-x64",
  "kvs-macos-arm64",
  "kvs-windows-x64.exe",
];
/** What the script may call; a test gives it these and no others. */
const TOOLS = ["sh", "cat", "cp", "mkdir", "mktemp", "mv", "rm", "chmod", "cut", "sha256sum", "curl"];

let server: Bun.Server<undefined> | undefined;
afterEach(async () => server?.stop(true));

/** A release of tiny executables that say their own name, a home to install into, and a machine to do it on. */
class Installation {
  readonly #root = temporaryDirectory();
  readonly home: string = join(this.#root, "home");
  readonly bin: string = join(this.home, ".local/bin");
  readonly installed: string = join(this.bin, "kvs");
  readonly release: string = join(this.#root, "a release");
  readonly #tools = join(this.#root, "tools");

  constructor(tools: readonly string[] = TOOLS) {
    for (const path of [this.home, this.release, this.#tools]) mkdirSync(path);
    for (const name of NAMES) writeFileSync(join(this.release, name), executable(name));
    this.writeSums();
    for (const tool of tools) symlinkSync(Bun.which(tool) ?? `/no ${tool}`, join(this.#tools, tool));
    this.machine({ system: "Linux", processor: "x86_64", libc: "ldd (Debian GLIBC 2.36) 2.36" });
  }

  writeSums(): void {
    const sums = NAMES.map((name) => `${sha256(readFileSync(join(this.release, name)))}  ${name}\n`);
    writeFileSync(join(this.release, "SHA256SUMS"), sums.join(""));
  }

  /** Makes the script believe to be somewhere else. */
  machine(options: { readonly system: string; readonly processor: string; readonly libc?: string }): void {
    const { system, processor, libc } = options;
    this.tool("uname", `case $1 in -s) echo "${system}" ;; -m) echo "${processor}" ;; esac`);
    if (libc !== undefined) this.tool("ldd", `echo "${libc}" >&2; exit 1`);
  }

  tool(name: string, script: string): void {
    const path = join(this.#tools, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** Runs the script; `env` comes on top of HOME and PATH. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const child = Bun.spawn(["/bin/sh", SCRIPT, ...args], {
      cwd: this.#root,
      env: { HOME: this.home, PATH: this.#tools, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { exitCode: await child.exited, stdout, stderr };
  }

  /** What there is in ~/.local/bin. */
  list(): string[] {
    return existsSync(this.bin) ? readdirSync(this.bin) : [];
  }
}

interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function executable(name: string): string {
  return `#!/bin/sh\necho "${name} $*"\n`;
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Serves a directory on this machine; its address. */
function serve(directory: string): string {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async ({ url }) => {
      const file = Bun.file(join(directory, new URL(url).pathname));
      return (await file.exists()) ? new Response(file) : new Response("none", { status: 404 });
    },
  });
  return server.url.href;
}

describe("the executable of this machine", () => {
  const machines = [
    ["Linux", "x86_64", "ldd (GNU libc) 2.36", "kvs-linux-x64"],
    ["Linux", "amd64", "musl libc (x86_64)", "kvs-linux-x64-musl"],
    ["Linux", "aarch64", "ldd (Ubuntu GLIBC 2.39)", "kvs-linux-arm64"],
    ["Linux", "arm64", "musl libc (aarch64)", "kvs-linux-arm64-musl"],
    ["Darwin", "x86_64", "", "kvs-macos-x64"],
    ["Darwin", "arm64", "", "kvs-macos-arm64"],
  ] as const;
  test.each(machines)("on %s %s with %p is %s", async (system, processor, libc, name) => {
    const installation = new Installation();
    installation.machine({ system, processor, libc });
    const { exitCode, stdout, stderr } = await installation.run([installation.release]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toStartWith(`Installed ${name} --version: ${installation.installed}\n`);
    expect(readFileSync(installation.installed, "utf8")).toBe(executable(name));
    expect(installation.list()).toEqual(["kvs"]);
  });

  test("under a translated shell on an Apple processor is that for the processor", async () => {
    const installation = new Installation();
    installation.machine({ system: "Darwin", processor: "x86_64" });
    installation.tool("sysctl", '[ "$*" = "-n sysctl.proc_translated" ] && echo 1');
    expect((await installation.run([installation.release])).stdout).toStartWith("Installed kvs-macos-arm64 ");
  });

  test("in a Unix shell on Windows is kvs.exe", async () => {
    const installation = new Installation();
    installation.machine({ system: "MINGW64_NT-10.0", processor: "x86_64" });
    expect((await installation.run([installation.release])).exitCode).toBe(0);
    expect(installation.list()).toEqual(["kvs.exe"]);
  });

  test.each([
    ["Linux", "riscv64", 'There is no kvs for the processor "riscv64", only for x86_64 and arm64'],
    ["SunOS", "x86_64", 'There is no kvs for the system "SunOS", only for Linux, macOS and Windows'],
  ])("on %s %s does not exist", async (system, processor, message) => {
    const installation = new Installation();
    installation.machine({ system, processor });
    const answer = await installation.run([installation.release]);
    expect(answer).toEqual({ exitCode: 1, stdout: "", stderr: `install.sh: ${message}\n` });
    expect(installation.list()).toEqual([]);
  });
});

describe("the folder to install from", () => {
  test("is the argument, or KVS_DOWNLOAD: a directory, from here or from the root, or a file:// URL", async () => {
    const installation = new Installation();
    symlinkSync(installation.release, join(installation.release, "../-release"));
    const relative: readonly string[] = ["a release", "a release/", "./-release"];
    const absolute = [
      installation.release,
      `file://${installation.release}`,
      `file://localhost${installation.release}/`,
    ];
    for (const folder of [...relative, ...absolute]) {
      expect([folder, await installation.run([folder])]).toMatchObject([folder, { exitCode: 0, stderr: "" }]);
      const answer = await installation.run([], { KVS_DOWNLOAD: folder });
      expect([folder, answer]).toMatchObject([folder, { exitCode: 0, stderr: "" }]);
    }
  });

  test.each([
    [[], "Say where to install from: sh install.sh FOLDER, a URL or a directory"],
    [["a", "b"], "Expected one folder: sh install.sh FOLDER"],
    [["--force"], 'Unknown option "--force", expected: sh install.sh FOLDER'],
    [["ftp://x/y"], 'Cannot download from "ftp://x/y": expected https://, http://, file:// or a directory'],
    [["file:///a%20b"], 'Cannot read "file:///a%20b": give the directory as a plain path'],
  ])("is refused as %j", async (args, message) => {
    const installation = new Installation();
    const answer = await installation.run(args);
    expect(answer).toEqual({ exitCode: 2, stdout: "", stderr: `install.sh: ${message}\n` });
    expect(installation.list()).toEqual([]);
  });

  test.each(["curl", "wget"])("may be a web server, asked by %s", async (tool) => {
    const installation = new Installation([...TOOLS.filter((name) => name !== "curl"), tool]);
    const answer = await installation.run([serve(installation.release)]);
    expect([answer.exitCode, answer.stderr]).toEqual([0, ""]);
    expect(readFileSync(installation.installed, "utf8")).toBe(executable("kvs-linux-x64"));
  });

  test.each(["curl", "wget"])("that answers 404 to %s installs nothing", async (tool) => {
    const installation = new Installation([...TOOLS.filter((name) => name !== "curl"), tool]);
    const base = serve(installation.home);
    const { exitCode, stderr } = await installation.run([base]);
    expect(exitCode).toBe(1);
    expect(stderr).toEndWith(`install.sh: Cannot get "${base}SHA256SUMS"\n`);
    expect(installation.list()).toEqual([]);
  });

  test("needs curl or wget if it is a web server", async () => {
    const installation = new Installation(TOOLS.filter((name) => name !== "curl"));
    const { exitCode, stderr } = await installation.run([serve(installation.release)]);
    expect([exitCode, stderr]).toEqual([
      1,
      "install.sh: Downloading needs curl or wget, and there is neither\n",
    ]);
  });
});

describe("what is installed already stays when", () => {
  async function refused(installation: Installation): Promise<string> {
    mkdirSync(installation.bin, { recursive: true });
    writeFileSync(installation.installed, "the old one");
    const { exitCode, stdout, stderr } = await installation.run([installation.release]);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(readFileSync(installation.installed, "utf8")).toBe("the old one");
    expect(installation.list()).toEqual(["kvs"]);
    return stderr;
  }

  test("the sum is wrong", async () => {
    const installation = new Installation();
    const content = executable("something else");
    writeFileSync(join(installation.release, "kvs-linux-x64"), content);
    const sums = [sha256(Buffer.from(content)), sha256(Buffer.from(executable("kvs-linux-x64")))];
    const reason = `it is ${sums[0]}, expected ${sums[1]}`;
    expect(await refused(installation)).toBe(
      `install.sh: "${installation.release}/kvs-linux-x64" has the wrong sum, nothing was installed: ${reason}\n`,
    );
  });

  test("the release names no such executable", async () => {
    const installation = new Installation();
    writeFileSync(join(installation.release, "SHA256SUMS"), `${"0".repeat(64)}  kvs-linux-x64-musl\n`);
    expect(await refused(installation)).toContain('SHA256SUMS" names no "kvs-linux-x64"\n');
  });

  test("the executable does not run here", async () => {
    const installation = new Installation();
    writeFileSync(join(installation.release, "kvs-linux-x64"), "#!/no/such/loader\n");
    installation.writeSums();
    expect(await refused(installation)).toContain(
      '"kvs-linux-x64" does not run on this system, nothing was installed',
    );
  });

  test("no sum can be computed", async () => {
    const installation = new Installation(TOOLS.filter((name) => name !== "sha256sum"));
    expect(await refused(installation)).toContain("needs sha256sum or shasum, and there is neither\n");
  });

  test("the script is cut short anywhere", async () => {
    const script = readFileSync(SCRIPT, "utf8");
    const installation = new Installation();
    for (let lines = 0; lines < script.split("\n").length - 2; lines += 7) {
      const cut = script.split("\n").slice(0, lines).join("\n");
      const env = { HOME: installation.home, PATH: "/usr/bin:/bin" };
      Bun.spawnSync(["/bin/sh", "-s", installation.release], {
        stdin: Buffer.from(cut),
        env,
        stderr: "ignore",
      });
      expect([lines, installation.list()]).toEqual([lines, []]);
    }
  });
});

test("shasum serves where there is no sha256sum", async () => {
  const installation = new Installation(TOOLS.filter((name) => name !== "sha256sum"));
  installation.tool("shasum", `[ "$*" = "-a 256" ] && exec "${Bun.which("sha256sum")}"`);
  expect(await installation.run([installation.release])).toMatchObject({ exitCode: 0, stderr: "" });
});

test("a PATH without ~/.local/bin is mentioned, one with it is not", async () => {
  const installation = new Installation();
  expect((await installation.run([installation.release])).stdout).toContain("It is not in your PATH yet");
  const PATH = `${installation.bin}:${join(installation.home, "../tools")}`;
  const { stdout } = await installation.run([installation.release], { PATH });
  expect(stdout).toBe(`Installed kvs-linux-x64 --version: ${installation.installed}\n`);
});

test("a running executable is replaced: the new one is another file", async () => {
  const installation = new Installation();
  await installation.run([installation.release]);
  const before = Bun.file(installation.installed);
  const inode = (await before.stat()).ino;
  await installation.run([installation.release]);
  expect((await before.stat()).ino).not.toBe(inode);
  expect((await before.stat()).mode & 0o777).toBe(0o755);
});

test("a directory in the executable's place is an error, and HOME must be set", async () => {
  const installation = new Installation();
  mkdirSync(installation.installed, { recursive: true });
  const taken = await installation.run([installation.release]);
  expect(taken.stderr).toBe(`install.sh: Cannot install "${installation.installed}": it is a directory\n`);
  const homeless = await installation.run([installation.release], { HOME: "" });
  expect(homeless.stderr).toBe("install.sh: HOME is not set, so there is no ~/.local/bin\n");
});
