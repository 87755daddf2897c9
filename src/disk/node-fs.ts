let loaded: typeof import("node:fs") | undefined;

/**
 * `node:fs`, loaded by the first who cannot do without it: that takes a process
 * a quarter of its start, and commands of one lookup or one write need it only
 * where something is out of the ordinary.
 */
export function nodeFs(): typeof import("node:fs") {
  loaded ??= process.getBuiltinModule("node:fs");
  return loaded;
}
