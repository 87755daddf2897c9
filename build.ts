/** Compiles the command line into one executable: `bun build.ts` writes `dist/kvs`. */
import manifest from "./package.json" with { type: "json" };

// The names of chunks derive from their paths relative to the working directory: the same sources give the same
// bytes only when that is always this one.
process.chdir(import.meta.dirname);

await compile({ outfile: "dist/kvs" });

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
  for (const log of result.logs) console.error(log);
  if (!result.success) {
    console.error(`Cannot build "${outfile}"`);
    process.exit(1);
  }
}
