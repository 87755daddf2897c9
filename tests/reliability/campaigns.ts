import { histories } from "../model/histories.ts";
import { pauses } from "../model/pauses.ts";
import { callErrors } from "./call-errors.ts";
import { callKills } from "./call-kills.ts";
import type { Campaign } from "./campaign.ts";
import { cuts } from "./cuts.ts";
import { errors } from "./errors.ts";
import { flips } from "./flips.ts";
import { fullDisk } from "./full-disk.ts";
import { fullTmpfs } from "./full-tmpfs.ts";
import { fuzzArchives } from "./fuzz/archives.ts";
import { fuzzImports } from "./fuzz/imports.ts";
import { fuzzArguments, fuzzSessions } from "./fuzz/program.ts";
import { fuzzIndexes, fuzzLock, fuzzLogs } from "./fuzz/stores.ts";
import { linearizability } from "./linearizability.ts";
import { lockRaces } from "./lock-races.ts";
import { powerCut } from "./power-cut.ts";
import { randomKills } from "./random-kills.ts";
import { recoveryKills } from "./recovery-kills.ts";
import { seededBugs } from "./seeded-bugs.ts";
import { sequences } from "./sequences.ts";
import { tails } from "./tails.ts";

/** Every campaign, by the numbers of the tests. */
export const campaigns: readonly Campaign[] = [
  cuts,
  tails,
  flips,
  callKills,
  callErrors,
  recoveryKills,
  randomKills,
  powerCut,
  errors,
  fullDisk,
  fullTmpfs,
  linearizability,
  histories,
  pauses,
  sequences,
  lockRaces,
  seededBugs,
  fuzzLogs,
  fuzzIndexes,
  fuzzLock,
  fuzzArchives,
  fuzzImports,
  fuzzArguments,
  fuzzSessions,
];
