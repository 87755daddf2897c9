import type { BugName } from "../../src/format/seeded-bugs.ts";

/** What a bug would do, and the test that notices. */
export interface SeededBug {
  readonly harm: string;
  readonly file: string;
  /** Its name, behind those of the groups that it stands in. */
  readonly test: string;
}

const STEPS = "tests/crash/durable-steps.test.ts";
const INDEXES = "tests/engine/indexes.test.ts";

/** Every deliberate breakage of the engine. */
export const SEEDED_BUGS: Readonly<Record<BugName, SeededBug>> = {
  "forget to sync the directory of a new log": {
    harm: "a power cut takes a new store, or all since the last rotation, although it was acknowledged",
    file: STEPS,
    test: "a power cut took a new store away, though its first write was acknowledged: the name of the log was not on the disk",
  },
  "acknowledge a write before its sync": {
    harm: "with `sync`, a power cut takes what was acknowledged",
    file: "tests/engine/compaction.test.ts",
    test: "flush in sync every write is synced before it returns",
  },
  "start the next log before the last one is synced": {
    harm: "a power cut empties a sealed log, and the store does not open any more",
    file: STEPS,
    test: "a power cut emptied a sealed log, though a flush had returned: only the log behind it was on the disk",
  },
  "publish a merge that is not on the disk": {
    harm: "a power cut empties the merge after its inputs are gone",
    file: STEPS,
    test: "a power cut emptied a merge that had taken the place of its inputs: its bytes were not on the disk",
  },
  "remove inputs before the name of their merge is on the disk": {
    harm: "a power cut undoes the renaming, and neither the merge nor its inputs are there",
    file: STEPS,
    test: "a power cut undid the renaming of a merge whose inputs were gone: its name was not on the disk",
  },
  "remove inputs before their merge is published": {
    harm: "a process that is killed in between leaves neither",
    file: STEPS,
    test: "a death before a merge was published left neither it nor its inputs",
  },
  "go on after a failed sync": {
    harm: "the next sync succeeds without the bytes that the first has lost, and they count as durable",
    file: "tests/crash/failed-syncs.test.ts",
    test: "a sync that fails poisons the handle and marks the store suspect: sync",
  },
  "ignore a short write": {
    harm: "half a record counts as written, and what follows it as damage",
    file: "tests/disk/appendable-file.test.ts",
    test: "an append that ends elsewhere than it should is an error, and the next one is none",
  },
  "leave a failed append in the log": {
    harm: "the handle cannot write any more, also when there is room again",
    file: "tests/crash/dead-writers.test.ts",
    test: "an append that was cut short by an error left half a frame in the log, and the handle could not write any more",
  },
  "believe a length that fails its checksum": {
    harm: "one flipped bit makes a torn tail of all that follows it, also of what was synced",
    file: "tests/crash/flips.test.ts",
    test: "a flipped bit (invariant 8) in what was synced before another boot does as well",
  },
  "take zeros for frames": {
    harm: "zeros that a power cut has left stay in the log, between records",
    file: "tests/crash/tails.test.ts",
    test: "what stands behind the last frame is no record, and the next writer cuts it off: after another boot (invariants 3, 8)",
  },
  "take damage for a torn tail": {
    harm: "damage in the newest log cuts off what was acknowledged behind it, in silence",
    file: "tests/crash/cuts.test.ts",
    test: "an active log cut at any byte in the boot in which it was written is corrupt for every read and write (invariant 8)",
  },
  "write a batch as several frames": {
    harm: "a crash leaves a part of a batch",
    file: "tests/crash/cuts.test.ts",
    test: "an active log cut at any byte holds a prefix of what was written, if LOCK is gone (invariants 1, 3, 4)",
  },
  "believe a counter that is odd": {
    harm: "a reader never sees what a writer has appended that died then, though others do",
    file: "tests/crash/dead-writers.test.ts",
    test: "an append that was cut short by the death of its writer was seen by new handles and, for ever, not by one that had read while it was made",
  },
  "drop removals above the bottom": {
    harm: "removed keys come back",
    file: "tests/model/named-histories.test.ts",
    test: "a merge above the bottom dropped a removal, and the value that it hid came back (invariant 5)",
  },
  "drop expired records above the bottom": {
    harm: "older values come back once newer ones have expired",
    file: "tests/model/named-histories.test.ts",
    test: "a merge above the bottom dropped what had expired, and the value that it hid came back (invariant 5)",
  },
  "publish a merge of logs that have changed": {
    harm: "what was written to the inputs meanwhile is gone",
    file: "tests/engine/foreign.test.ts",
    test: "the first compaction of a directory of the original is given up where the original appends to a log meanwhile",
  },
  "read logs that a merge has replaced": {
    harm: "removed keys come back after a crash among the removals of inputs",
    file: "tests/crash/leftovers.test.ts",
    test: "what a writer or a compactor that died has left as inputs beside their merge is ignored, then removed (invariant 5)",
  },
  "trust the index of another log": {
    harm: "keys are not found, or are damage, when index files were mixed up",
    file: INDEXES,
    test: "a small store lost keys to the index of another log, as long and of as many records",
  },
  "trust a page that fails its checksum": {
    harm: "a flipped bit of an index hides keys",
    file: INDEXES,
    test: "a small store lost keys to one bit that had flipped in the table of an index",
  },
  "forget a bit of the bloom filter": {
    harm: "keys are not found that are there",
    file: "tests/format/index-file.test.ts",
    test: "a block of the bloom filter holds all that was added, and seldom anything else",
  },
  "serve from the cache what others have replaced": {
    harm: "a handle goes on to read values that another process has overwritten or removed",
    file: "tests/engine/cache.test.ts",
    test: "a value cache of 1000000 bytes never changes an answer, over two handles and compactions (seed 20261123)",
  },
  "write without the lock": {
    harm: "two writers overwrite each other's records, and count from the same number",
    file: "tests/engine/handles.test.ts",
    test: "several handles on one store may write in turn in one tick: {}",
  },
  "let the files of a scan go": {
    harm: "a scan fails or mixes moments when a merge replaces logs under it",
    file: "tests/engine/scans.test.ts",
    test: "scans of a binary store with generations of 67108864 bytes see the store as it was when they began, whatever happens meanwhile",
  },
};

/** The table of the documentation. */
export function bugTable(): string {
  const rows = Object.entries(SEEDED_BUGS).map(
    ([name, { harm, file, test }]) => `| ${name} | ${harm} | \`${file}\`: ${test} |\n`,
  );
  return `| the engine is made to | which would mean | what fails then |\n|---|---|---|\n${rows.join("")}`;
}
