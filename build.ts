/** Compiles the command line into one executable: `bun build.ts` writes `dist/kvs`. */
import manifest from "./package.json" with { type: "json" };

// The names of chunks derive from their paths relative to the working directory: the same sources give the same
// bytes only when that is always this one.
process.chdir(import.meta.dirname);

await bundleWorker({ outfile: "src/engine/background-worker.txt" });
await compile({ outfile: "dist/kvs" });

/** Bundles what runs in a Worker into one text, which the library starts it from: also inside other programs. */
async function bundleWorker({ outfile }: { readonly outfile: string }): Promise<void> {
  const result = await Bun.build({
    entrypoints: ["src/engine/background-worker.ts"],
    target: "bun",
    format: "esm",
    minify: { syntax: true, whitespace: true, identifiers: false },
    throw: false,
  });
  const [output] = result.outputs;
  if (!result.success || output === undefined) fail(result, outfile);
  const text = await output.text();
  const file = Bun.file(outfile);
  // Left alone where nothing changed, so that a build does not touch the sources.
  if (!(await file.exists()) || (await file.text()) !== text) await Bun.write(outfile, text);
}

/** Writes one executable. It reads no file but the ones it is told to, and runs no code but its own. */
async function compile({ outfile }: { readonly outfile: string }): Promise<void> {
  const result = await Bun.build({
    entrypoints: ["src/main.ts"],
    target: "bun",
    format: "esm",
    bytecode: true,
    // A command that is imported lazily costs nothing, with all it imports, until it runs.
    splitting: true,
    sourcemap: "none",
    // Class names stay as they are: messages show them.
    minify: { syntax: true, whitespace: true, identifiers: false },
    env: "disable",
    define: {
      "process.env.NODE_ENV": JSON.stringify("production"),
      KVS_VERSION: JSON.stringify(manifest.version),
    },
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      // Refuses `BUN_OPTIONS=--preload=...` in the user's environment.
      execArgv: ["--disallow-code-generation-from-strings=strict"],
    },
    throw: false,
  });
  if (!result.success) fail(result, outfile);
}

function fail({ logs }: Bun.BuildOutput, outfile: string): never {
  for (const log of logs) console.error(log);
  console.error(`Cannot build "${outfile}"`);
  process.exit(1);
}
