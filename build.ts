/**
 * Compiles the command line: `bun build.ts` writes `dist/kvs` for this machine,
 * `bun build.ts --release` one executable a platform, and their sums, into
 * `dist/release/`.
 */
import type { BunPlugin } from "bun";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signAdHoc } from "./src/release/macos-signature.ts";
import { withoutSeededBugs } from "./src/release/without-seeded-bugs.ts";
import manifest from "./package.json" with { type: "json" };

/** What a release is built for: the name of the executable, and Bun's package with the runtime inside it. */
const PLATFORMS = [
  { name: "kvs-linux-x64", target: "bun-linux-x64", runtime: "bun-linux-x64" },
  { name: "kvs-linux-x64-musl", target: "bun-linux-x64-musl", runtime: "bun-linux-x64-musl" },
  { name: "kvs-linux-arm64", target: "bun-linux-arm64", runtime: "bun-linux-aarch64" },
  { name: "kvs-linux-arm64-musl", target: "bun-linux-arm64-musl", runtime: "bun-linux-aarch64-musl" },
  { name: "kvs-macos-x64", target: "bun-darwin-x64", runtime: "bun-darwin-x64" },
  { name: "kvs-macos-arm64", target: "bun-darwin-arm64", runtime: "bun-darwin-aarch64" },
  { name: "kvs-windows-x64.exe", target: "bun-windows-x64", runtime: "bun-windows-x64" },
] as const;

type Platform = (typeof PLATFORMS)[number];

const RELEASE_DIRECTORY = "dist/release";

/** Where all but the brief part is bundled first. */
const WHOLE_DIRECTORY = "dist/whole";

const BUNDLE = {
  target: "bun",
  format: "esm",
  sourcemap: "none",
  // Class names stay as they are: messages show them.
  minify: { syntax: true, whitespace: true, identifiers: false },
  env: "disable",
  define: {
    "process.env.NODE_ENV": JSON.stringify("production"),
    KVS_VERSION: JSON.stringify(manifest.version),
  },
} as const;

/** Puts that bundle in the place of the sources it was made from. */
const bundledWhole: BunPlugin = {
  name: "bundled-whole",
  setup(build) {
    const path = join(import.meta.dirname, WHOLE_DIRECTORY, "run.js");
    build.onResolve({ filter: /^\.\/cli\/run\.ts$/ }, () => ({ path }));
  },
};

/** Leaves the Worker's text to the second build, which puts it into the executable. */
const workerLater: BunPlugin = {
  name: "worker-later",
  setup(build) {
    // As seen from dist/whole: where the sources are must not show in what is built.
    const path = "../../src/engine/background-worker.txt";
    build.onResolve({ filter: /background-worker\.txt$/ }, () => ({ path, external: true }));
  },
};

// The names of chunks derive from their paths relative to the working directory: the same sources give the same
// bytes only when that is always this one.
process.chdir(import.meta.dirname);

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run(args: readonly string[]): Promise<void> {
  const isRelease = args.length === 1 && args[0] === "--release";
  if (args.length > 0 && !isRelease) throw new Error("Usage: bun build.ts [--release]");
  await bundleWorker({ outfile: "src/engine/background-worker.txt" });
  await bundleWhole();
  await (isRelease ? release() : compile({ outfile: "dist/kvs" }));
}

/** Builds for every platform from runtimes that `bun.lock` vouches for. */
async function release(): Promise<void> {
  // Bytecode fits one version of Bun alone, so the compiler and the runtimes must be the same.
  const version = manifest.devDependencies.bun;
  if (Bun.version !== version)
    throw new Error(`Cannot build a release: this is Bun ${Bun.version}, expected ${version}`);
  rmSync(RELEASE_DIRECTORY, { recursive: true, force: true });
  const runtimes = mkdtempSync(join(tmpdir(), "kvs-runtimes-"));
  try {
    installRuntimes(runtimes, version);
    await Promise.all(PLATFORMS.map(async (platform) => compileFor(platform, runtimes)));
  } finally {
    rmSync(runtimes, { recursive: true, force: true });
  }
  const sums = PLATFORMS.map(({ name }) => `${sha256(join(RELEASE_DIRECTORY, name))}  ${name}\n`).join("");
  writeFileSync(join(RELEASE_DIRECTORY, "SHA256SUMS"), sums);
  console.log(sums.trimEnd());
}

/**
 * Installs the runtimes of all platforms into a directory. Left alone, the
 * compiler would fetch them without checking any sum; an install checks each
 * against the one in `bun.lock`. It needs the package registry once, then Bun's cache has them.
 */
function installRuntimes(directory: string, version: string): void {
  const dependencies = Object.fromEntries(PLATFORMS.map(({ runtime }) => [`@oven/${runtime}`, version]));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: manifest.name, dependencies }));
  copyFileSync("bun.lock", join(directory, "bun.lock"));
  const command = [process.execPath, "install", "--os=*", "--cpu=*", "--libc=*", "--ignore-scripts"];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: directory, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0)
    throw new Error(`Cannot install the runtimes that a release is built from:\n${stderr.toString()}`);
}

async function compileFor({ name, target, runtime }: Platform, runtimes: string): Promise<void> {
  const executable = target.startsWith("bun-windows") ? "bun.exe" : "bun";
  const executablePath = join(runtimes, "node_modules/@oven", runtime, "bin", executable);
  const outfile = join(RELEASE_DIRECTORY, name);
  await compile({ outfile, target, executablePath });
  // Bun signs what it builds for arm64; for x64 it leaves the runtime's own signature, broken by what was added.
  if (target === "bun-darwin-x64") signAdHoc(outfile);
}

/** Bundles what runs in a Worker into one text, which the library starts it from: also inside other programs. */
async function bundleWorker({ outfile }: { readonly outfile: string }): Promise<void> {
  const result = await Bun.build({
    entrypoints: ["src/engine/background-worker.ts"],
    target: "bun",
    format: "esm",
    minify: { syntax: true, whitespace: true, identifiers: false },
    plugins: [withoutSeededBugs],
    throw: false,
  });
  checkBuilt(result, outfile);
  const text = (await result.outputs[0]?.text()) ?? "";
  const file = Bun.file(outfile);
  // Left alone where nothing changed, so that a build does not touch the sources.
  if (!(await file.exists()) || (await file.text()) !== text) await Bun.write(outfile, text);
}

/**
 * Bundles all that the executable does but for what `src/cli/brief.ts` can do by itself.
 * The two share no code: what is shared would be cut out into files of its own, which
 * the brief part would have to load.
 */
async function bundleWhole(): Promise<void> {
  rmSync(WHOLE_DIRECTORY, { recursive: true, force: true });
  const result = await Bun.build({
    ...BUNDLE,
    entrypoints: ["src/cli/run.ts"],
    plugins: [withoutSeededBugs, workerLater],
    outdir: WHOLE_DIRECTORY,
    // A command that is imported lazily costs nothing, with all it imports, until it runs.
    splitting: true,
    throw: false,
  });
  checkBuilt(result, WHOLE_DIRECTORY);
}

/** Writes one executable. It reads no file but the ones it is told to, and runs no code but its own. */
async function compile(
  output: Pick<Bun.CompileBuildOptions, "executablePath" | "outfile" | "target">,
): Promise<void> {
  const result = await Bun.build({
    ...BUNDLE,
    entrypoints: ["src/main.ts"],
    plugins: [withoutSeededBugs, bundledWhole],
    // It is the same for every platform.
    bytecode: true,
    splitting: true,
    compile: {
      ...output,
      autoloadDotenv: false,
      autoloadBunfig: false,
      // Refuses `BUN_OPTIONS=--preload=...` in the user's environment.
      execArgv: ["--disallow-code-generation-from-strings=strict"],
    },
    throw: false,
  });
  checkBuilt(result, output.outfile ?? "");
}

function checkBuilt({ logs, success }: Bun.BuildOutput, outfile: string): void {
  for (const log of logs) console.error(log);
  if (!success) throw new Error(`Cannot build "${outfile}"`);
}

function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}
