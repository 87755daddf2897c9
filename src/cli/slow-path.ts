/*
 * Everything the fast commands run without, as one module: the compiled program
 * reads a file of its own for each module that is loaded late, and each of those
 * files costs the start, loaded or not, because what they share is cut out too.
 */
export { StagedImport } from "../engine/staged-import.ts";
export { ALL_COMMANDS } from "./all-commands.ts";
export { refuseOwnFile } from "./apart.ts";
export { runWithCitty } from "./citty.ts";
export { escapeTextForTerminal } from "./escapes.ts";
export { printCommandHelp, reportUsageError, runWithoutCommand } from "./help.ts";
export { log } from "./log.ts";
export { refuseMangledArguments } from "./mangled.ts";
export { removePrefix } from "./remove-prefix.ts";
export { replaceFile } from "./replace-file.ts";
export { unknownCommand } from "./suggest.ts";
export { withTypedPaths } from "./typed-paths.ts";
