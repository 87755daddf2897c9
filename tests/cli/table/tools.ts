import { readFileSync } from "node:fs";
import { join } from "node:path";
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
  TOO_LARGE,
} from "./cell.ts";

const SHELL = "shell";
const COMPLETIONS = "completions SHELL [--candidates]";
const HELP = "help [COMMAND]";

const NO_STORE = { because: "it opens no store" };
const SET = "printf 'set\\tk\\tw\\n' | kvs shell";
const BASH = readFileSync(join(import.meta.dirname, "../../../src/cli/completion/kvs.bash"), "utf8");

const HELP_ON_COUNT = `Print how many keys there are.

Usage: kvs count [--prefix P]

Flags:
      --prefix P  Count only keys that start with P

General flags:
      --dir DIR             Directory of the store; else KVS_DIR, else ./kvs_logs
      --wait DURATION       Longest wait for another process; else KVS_WAIT, else 5s
      --durability sync|os  What a finished write has reached: the disk or the system; else KVS_DURABILITY, else sync
      --format binary|json  Format of a store that is created; else KVS_FORMAT, else binary
      --no-auto-compact     Start no compaction in the background; as KVS_AUTO_COMPACT=off does
  -q, --quiet               Print no messages, only data
      --no-color            Print without colours
  -h, --help                Print this help

Example:
  kvs set session/1 ann && kvs count --prefix session/
`;

/** The commands that help to give commands. A session of `shell` answers for each request, and ends well. */
export const TOOLS: readonly Row[] = [
  {
    command: "shell",
    cells: {
      success: [
        prints("printf 'get\\tk\\n' | kvs shell", "value\tv\n"),
        { ...changes(SET, { k: "w" }), stdout: "ok\n" },
        prints("kvs shell </dev/null", ""),
      ],
      "missing key": [prints("printf 'get\\tnone\\n' | kvs shell", "none\n")],
      "bad usage": [
        prints(
          "printf 'get\\nnonsense\\n\\n' | kvs shell",
          'error\t2\tMissing KEY\nerror\t2\tUnknown request "nonsense"\nerror\t2\tUnknown request ""\n',
        ),
      ],
      "unknown flag": [
        misuses(SHELL, "kvs shell --no-such-flag", 'Unknown flag "--no-such-flag"'),
        prints(
          "printf 'set\\tk\\tw\\t--no-such-flag\\n' | kvs shell",
          'error\t2\tUnexpected field "--no-such-flag"\n',
        ),
      ],
      "extra argument": [
        misuses(SHELL, "kvs shell surplus", 'Unexpected argument "surplus"'),
        prints("printf 'get\\tk\\tsurplus\\n' | kvs shell", 'error\t2\tUnexpected field "surplus"\n'),
      ],
      "--": [
        misuses(SHELL, "kvs shell -- --help", 'Unexpected argument "--help"'),
        { ...changes("printf 'set\\t--\\t--help\\n' | kvs shell", { "--": "--help" }), stdout: "ok\n" },
      ],
      "hostile bytes": [
        {
          ...changes("printf 'set\\t\\\\x00\\\\n\\t\\e\\\\\\\\\\n' | kvs shell", { "\0\n": "\x1b\\" }),
          stdout: "ok\n",
        },
        prints("printf 'exists\\t\\xff\\n' | kvs shell", "none\n"),
      ],
      "closed stdout": [changes(SET, { k: "w" })],
      "locked store": [prints(`${SET}; printf 'get\\tk\\n' | kvs shell`, `error\t5\t${LOCKED}\nvalue\tv\n`)],
      "corrupt store": [prints("printf 'get\\tk\\n' | kvs shell", `error\t4\t${CORRUPT}\n`)],
      "read-only directory": [prints(SET, `error\t3\t${READ_ONLY}\n`)],
      "no space": [
        prints(SET, `error\t3\t${TOO_LARGE}\n`),
        fails("printf 'get\\tk\\n' | kvs shell >/dev/full", 3, OUTPUT_FULL),
      ],
    },
  },
  {
    command: "completions",
    cells: {
      success: [
        prints("kvs completions bash", BASH),
        prints(
          "printf 'cou\\0' | kvs completions fish --candidates",
          "words\ncount\tPrint how many keys there are\n",
        ),
      ],
      "missing key": [prints("printf 'get\\0none\\0' | kvs completions fish --candidates", "words\n")],
      "bad usage": [
        misuses(COMPLETIONS, "kvs completions", "Missing SHELL"),
        misuses(COMPLETIONS, "kvs completions tcsh", 'SHELL is "tcsh", expected bash, zsh or fish'),
      ],
      "unknown flag": [
        misuses(COMPLETIONS, "kvs completions bash --no-such-flag", 'Unknown flag "--no-such-flag"'),
      ],
      "extra argument": [
        misuses(COMPLETIONS, "kvs completions bash surplus", 'Unexpected argument "surplus"'),
      ],
      "--": [
        prints("kvs completions -- bash", BASH),
        misuses(COMPLETIONS, "kvs completions -- --help", 'SHELL is "--help", expected bash, zsh or fish'),
      ],
      "hostile bytes": [
        misuses(COMPLETIONS, "kvs completions $'\\xff'", NOT_UTF8),
        prints("printf 'get\\0\\xff\\0' | kvs completions fish --candidates", "words\n"),
      ],
      "closed stdout": [prints("kvs completions bash", "")],
      "locked store": [prints("printf 'get\\0k\\0' | kvs completions fish --candidates", "words\nk\n")],
      "corrupt store": [prints("printf 'get\\0k\\0' | kvs completions fish --candidates", "words\n")],
      "read-only directory": [
        prints("printf 'get\\0k\\0' | kvs completions fish --candidates", "words\nk\n"),
      ],
      "no space": [fails("kvs completions bash >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "help",
    cells: {
      success: [prints("kvs help count", HELP_ON_COUNT), prints("kvs count --help", HELP_ON_COUNT)],
      "missing key": { because: "it takes no key" },
      "bad usage": [misuses(HELP, "kvs help cuont", 'Unknown command "cuont", did you mean "count"?')],
      "unknown flag": [misuses(HELP, "kvs help --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(HELP, "kvs help count surplus", 'Unexpected argument "surplus"')],
      "--": [
        prints("kvs help -- count", HELP_ON_COUNT),
        misuses(HELP, "kvs help -- --help", 'Unknown command "--help"'),
      ],
      "hostile bytes": [misuses(HELP, "kvs help $'\\xff'", NOT_UTF8)],
      "closed stdout": [prints("kvs help count", "")],
      "locked store": NO_STORE,
      "corrupt store": NO_STORE,
      "read-only directory": NO_STORE,
      "no space": [fails("kvs help count >/dev/full", 3, OUTPUT_FULL)],
    },
  },
];
