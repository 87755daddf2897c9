import {
  changes,
  CORRUPT,
  fails,
  LOCKED,
  misuses,
  NOT_UTF8,
  OUTPUT_FULL,
  prints,
  READ_ONLY,
  type Row,
  type Run,
  TOO_LARGE,
} from "./cell.ts";

const COMPACT = "compact [--format binary|json] [--dry-run] [--auto]";
const STATS = "stats [--json]";
const VERIFY = "verify [--json]";

const FREED = "kvs: Freed 350 B: 507 B before, 157 B after, generations merged: 2\n";
const NO_STORE = 'Cannot open store "none": there is no such directory';

const compacts = (line: string): Run => ({ ...prints(line, ""), stderr: FREED });

const OVERVIEW = `store       {store} (binary)
keys        2
disk        363 B
live        29 B
stale       238 B
torn tails  0 cut, 0 B to be cut by the next write
compaction  none due

generation  state   format  records  size   live  stale
1.log       active  binary  4        363 B  29 B  238 B
`;

/** The commands for the store as a whole. */
export const WHOLE_STORE: readonly Row[] = [
  {
    command: "compact",
    cells: {
      success: [
        compacts("kvs compact"),
        prints("kvs compact -q --format json && kvs get k", "v"),
        prints("kvs compact --dry-run", "Would merge 1.log: 363 B before, about 238 B freed\n"),
        prints("kvs compact --auto", ""),
      ],
      "missing key": [fails("kvs compact --dir none", 3, NO_STORE)],
      "bad usage": [
        misuses(COMPACT, "kvs compact --format xml", '--format is "xml", expected binary or json'),
        misuses(COMPACT, "kvs compact --auto --dry-run", "--auto and --dry-run exclude each other"),
      ],
      "unknown flag": [misuses(COMPACT, "kvs compact --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(COMPACT, "kvs compact surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(COMPACT, "kvs compact -- --auto", 'Unexpected argument "--auto"'),
        compacts("kvs compact --"),
      ],
      "hostile bytes": [
        misuses(COMPACT, "kvs compact --format $'\\xff'", NOT_UTF8),
        {
          ...changes("printf '\\0\\e' | kvs set --key-hex 0a00 - && kvs compact -q --format json", {
            "\n\0": "\0\x1b",
          }),
        },
      ],
      "closed stdout": [compacts("kvs compact")],
      "locked store": [fails("kvs compact", 5, LOCKED)],
      "corrupt store": [fails("kvs compact", 4, CORRUPT)],
      "read-only directory": [fails("kvs compact", 3, READ_ONLY)],
      "no space": [fails("kvs compact", 3, TOO_LARGE)],
    },
  },
  {
    command: "stats",
    cells: {
      success: [
        prints("kvs stats", OVERVIEW),
        prints(
          "kvs stats --json",
          '{"directory":"{store}","format":"binary","generations":[{"name":"1.log","first":1,"last":1,"sealed":false,"format":"binary","bytes":363,"records":4,"liveBytes":29,"staleBytes":238}],"keys":2,"diskBytes":363,"liveBytes":29,"staleBytes":238,"tornTailsCut":0,"tornTailBytes":0,"rotationsPostponed":0,"compactionDue":null}\n',
        ),
      ],
      "missing key": [fails("kvs stats --dir none", 3, NO_STORE)],
      "bad usage": [misuses(STATS, "kvs stats --json=1", "Flag --json takes no value")],
      "unknown flag": [misuses(STATS, "kvs stats --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(STATS, "kvs stats surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(STATS, "kvs stats -- --json", 'Unexpected argument "--json"'),
        prints("kvs stats --", OVERVIEW),
      ],
      "hostile bytes": [
        misuses(STATS, "kvs stats --dir $'\\xff'", NOT_UTF8),
        fails("kvs stats --dir $'\\e'", 3, 'Cannot open store "\\x1b": there is no such directory'),
      ],
      "closed stdout": [prints("kvs stats", "")],
      "locked store": [prints("kvs stats", OVERVIEW)],
      "corrupt store": [fails("kvs stats", 4, CORRUPT)],
      "read-only directory": [prints("kvs stats", OVERVIEW)],
      "no space": [fails("kvs stats >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "verify",
    cells: {
      success: [prints("kvs verify", "sound: 1 log, 0 indexes, 4 records\n")],
      "missing key": [
        fails("kvs verify --dir none", 3, 'Cannot open store "none": there is no such directory'),
      ],
      "bad usage": [misuses(VERIFY, "kvs verify --json=1", "Flag --json takes no value")],
      "unknown flag": [misuses(VERIFY, "kvs verify --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(VERIFY, "kvs verify surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(VERIFY, "kvs verify -- --json", 'Unexpected argument "--json"'),
        prints("kvs verify --", "sound: 1 log, 0 indexes, 4 records\n"),
      ],
      "hostile bytes": [
        misuses(VERIFY, "kvs verify --dir $'\\xff'", NOT_UTF8),
        fails("kvs verify --dir $'\\e'", 3, 'Cannot open store "\\x1b": there is no such directory'),
      ],
      "closed stdout": [prints("kvs verify", "")],
      "locked store": [prints("kvs verify", "sound: 1 log, 0 indexes, 4 records\n")],
      "corrupt store": [
        {
          ...prints(
            "kvs verify",
            'damage: "./kvs_logs/1.log" at offset 72, 219 bytes: a record fails its checksum\ndamaged in 1 place: 1 log, 0 indexes, 3 records\n',
          ),
          exitCode: 1,
        },
      ],
      "read-only directory": [prints("kvs verify", "sound: 1 log, 0 indexes, 4 records\n")],
      "no space": [fails("kvs verify >/dev/full", 3, OUTPUT_FULL)],
    },
  },
];
