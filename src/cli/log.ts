import { type ConsolaInstance, createConsola } from "consola/core";
import { writeMessage } from "./messages.ts";

const LEVEL_INFO = 3;

/**
 * The messages of the commands that are not fast. consola's own reporters touch
 * `process.stdout`; this one writes lines to standard error, each of them, also
 * repeated ones.
 */
export const log: ConsolaInstance = createConsola({
  level: LEVEL_INFO,
  throttle: 0,
  throttleMin: Number.POSITIVE_INFINITY,
  reporters: [{ log: ({ args }) => writeMessage(args.join(" ")) }],
});
