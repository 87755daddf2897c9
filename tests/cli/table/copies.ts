import {
  CORRUPT,
  fails,
  LOCKED,
  misuses,
  NOT_UTF8,
  OUTPUT_FULL,
  prints,
  type Row,
  type Run,
  SEED,
} from "./cell.ts";

const REPAIR = "repair --to DIR";
const BACKUP = "backup DEST";
const RESTORE = "restore SRC";
const LOG = "log [GENERATION] [--json]";

const NO_STORE = 'Cannot open store "none": there is no such directory';
const REPAIRED = 'kvs: Wrote 4 records in 1 log, 403 B, to "new". Nothing was lost\n';
const BACKED_UP = 'kvs: Backed up 1 log, 403 B, to "new"\n';
const RECORDS = [
  `1.log\t72\t219\tstale\t{"Set":{"key":"padding","value":"${"x".repeat(200)}"}}\n`,
  '1.log\t299\t14\tlive\t{"Set":{"key":"k","value":"v"}}\n',
  '1.log\t321\t15\tlive\t{"Set":{"key":"n","value":"41"}}\n',
  '1.log\t344\t19\tstale\t{"Remove":{"key":"padding"}}\n',
];
const LOGGED = RECORDS.join("");

const DAMAGED_LOG = [
  "1.log\t64\t227\tdamaged\ta record fails its checksum at offset 72\n",
  ...RECORDS.slice(1).map((line) => line.replace(/live|stale/, "unknown")),
].join("");
const LOST =
  'lost: "./kvs_logs/1.log" at offset 64, 227 bytes: a record fails its checksum at offset 72; keys: hex 70616464696ea5\n';

/** A run that fails after it has sealed the newest log, as a backup starts with. */
const seals = (line: string, exitCode: number, message: string): Run => ({
  ...fails(line, exitCode, message),
  content: { ...SEED },
});
const says = (line: string, stderr: string): Run => ({ ...prints(line, ""), stderr });

/** The commands that copy a store, or show what is in it. */
export const COPIES: readonly Row[] = [
  {
    command: "repair",
    cells: {
      success: [
        says("kvs repair --to new", REPAIRED),
        { ...says("kvs repair --to new && kvs list --dir new", REPAIRED), stdout: "k\tv\nn\t41\n" },
      ],
      "missing key": [fails("kvs repair --to new --dir none", 3, NO_STORE)],
      "bad usage": [
        misuses(REPAIR, "kvs repair", "Cannot repair: --to DIR is missing"),
        misuses(REPAIR, "kvs repair --to kvs_logs", 'Cannot repair "./kvs_logs" into itself'),
        seals("mkdir -p new/x && kvs repair --to new", 3, 'Cannot repair into "new": it is not empty'),
      ],
      "unknown flag": [
        misuses(REPAIR, "kvs repair --to new --no-such-flag", 'Unknown flag "--no-such-flag"'),
      ],
      "extra argument": [misuses(REPAIR, "kvs repair --to new surplus", 'Unexpected argument "surplus"')],
      "--": [misuses(REPAIR, "kvs repair -- --to", 'Unexpected argument "--to"')],
      "hostile bytes": [misuses(REPAIR, "kvs repair --to $'\\xff'", NOT_UTF8)],
      "closed stdout": [says("kvs repair --to new", REPAIRED)],
      "locked store": [says("kvs repair --to new", REPAIRED)],
      "corrupt store": [
        {
          ...prints("kvs repair --to new && kvs list --dir new", `${LOST}k\tv\nn\t41\n`),
          stderr:
            'kvs: Wrote 3 records in 1 log, 176 B, to "new". What was lost may have been newer: keys may be back that had been removed, or have older values\n',
        },
      ],
      "read-only directory": [
        fails("kvs repair --to new", 3, 'Cannot create directory "new": permission denied'),
      ],
      "no space": [
        fails("kvs repair --to new", 3, 'Cannot write to "new/1.log.tmp": the file-size limit is reached'),
      ],
    },
  },
  {
    command: "backup",
    cells: {
      success: [
        says("kvs backup new", BACKED_UP),
        prints("kvs backup - | kvs restore -q - --dir new && kvs list --dir new", "k\tv\nn\t41\n"),
      ],
      "missing key": [
        fails("kvs backup new --dir none", 3, 'Cannot open store "none": there is no such directory'),
      ],
      "bad usage": [
        misuses(BACKUP, "kvs backup", "Missing DEST"),
        misuses(BACKUP, "kvs backup kvs_logs", 'Cannot back up "./kvs_logs" into itself'),
        seals("mkdir -p new/x && kvs backup new", 3, 'Cannot back up into "new": it is not empty'),
      ],
      "unknown flag": [misuses(BACKUP, "kvs backup new --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(BACKUP, "kvs backup new surplus", 'Unexpected argument "surplus"')],
      "--": [says("kvs backup -- --help", BACKED_UP.replace("new", "--help"))],
      "hostile bytes": [misuses(BACKUP, "kvs backup $'\\xff'", NOT_UTF8)],
      "closed stdout": [says("kvs backup new", BACKED_UP)],
      "locked store": [fails("kvs backup new", 5, LOCKED)],
      "corrupt store": [fails("kvs backup new", 4, CORRUPT)],
      "read-only directory": [fails("kvs backup new", 3, 'Cannot create directory "new": permission denied')],
      "no space": [fails("kvs backup - >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "restore",
    cells: {
      success: [
        {
          ...says("kvs backup -q new && kvs restore new --dir copy && kvs list --dir copy", ""),
          stdout: "k\tv\nn\t41\n",
          stderr: 'kvs: Restored 1 log, 403 B, to "copy"\n',
        },
      ],
      "missing key": [
        fails("kvs restore none --dir new", 3, 'Cannot restore from "none": there is no such directory'),
      ],
      "bad usage": [
        misuses(RESTORE, "kvs restore", "Missing SRC"),
        seals("kvs backup -q new && kvs restore new", 3, 'Cannot restore into "./kvs_logs": it is not empty'),
      ],
      "unknown flag": [misuses(RESTORE, "kvs restore new --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(RESTORE, "kvs restore new surplus", 'Unexpected argument "surplus"')],
      "--": [
        fails(
          "kvs restore --dir new -- --help",
          3,
          'Cannot restore from "--help": there is no such directory',
        ),
        prints("kvs backup - >./- && kvs restore -q --dir new -- - && kvs list --dir new", "k\tv\nn\t41\n"),
      ],
      "hostile bytes": [
        misuses(RESTORE, "kvs restore $'\\xff'", NOT_UTF8),
        fails("printf 'no archive' | kvs restore - --dir new", 4, "Cannot restore the backup: it breaks off"),
      ],
      "closed stdout": [prints("kvs backup -q new && kvs restore -q new --dir copy", "")],
      "locked store": { because: "it only writes into a directory in which there is no store yet" },
      "corrupt store": [fails("kvs restore ./kvs_logs --dir new", 4, CORRUPT)],
      "read-only directory": [
        fails("kvs restore kvs_logs --dir new", 3, 'Cannot create directory "new": permission denied'),
      ],
      "no space": [
        fails(
          "kvs backup - | { prlimit --pid $BASHPID --fsize=200; kvs restore - --dir new; }",
          3,
          'Cannot write to "new/1.log.tmp": the file-size limit is reached',
        ),
      ],
    },
  },
  {
    command: "log",
    cells: {
      success: [prints("kvs log", LOGGED), prints("kvs log 1", LOGGED)],
      "missing key": [fails("kvs log --dir none", 3, NO_STORE)],
      "bad usage": [
        misuses(LOG, "kvs log nope", 'Cannot print generation "nope": it is a whole number from 1 on'),
        fails("kvs log 2", 2, "Cannot read generation 2: the newest one is 1"),
      ],
      "unknown flag": [misuses(LOG, "kvs log --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(LOG, "kvs log 1 surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(LOG, "kvs log -- --json", 'Cannot print generation "--json": it is a whole number from 1 on'),
      ],
      "hostile bytes": [misuses(LOG, "kvs log $'\\xff'", NOT_UTF8)],
      "closed stdout": [prints("kvs log", "")],
      "locked store": [prints("kvs log", LOGGED)],
      "corrupt store": [
        {
          ...prints("kvs log", DAMAGED_LOG),
          exitCode: 4,
          stderr: "kvs: Cannot read all records: 1 place damaged, see kvs verify\n",
        },
      ],
      "read-only directory": [prints("kvs log", LOGGED)],
      "no space": [fails("kvs log >/dev/full", 3, OUTPUT_FULL)],
    },
  },
];
