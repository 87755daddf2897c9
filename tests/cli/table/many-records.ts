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

const LIST =
  "list [--prefix P] [--from KEY] [--to KEY] [--reverse] [--limit N] [--keys] [--values] [-0] [--json]";
const COUNT = "count [--prefix P]";
const BATCH = "batch";
const IMPORT = "import [FILE] [--as jsonl|tsv|nul|mdb] [--atomic]";
const EXPORT = "export [FILE] [--as jsonl|tsv|nul|mdb]";

const RECORD = `'{"Set":{"key":"k","value":"w"}}'`;
const EXPORTED = '{"Set":{"key":"k","value":"v"}}\n{"Set":{"key":"n","value":"41"}}\n';
const MISSING = `'{"Remove":{"key":"none"}}'`;

/** The commands for many records at once. */
export const MANY_RECORDS: readonly Row[] = [
  {
    command: "list",
    cells: {
      success: [
        prints("kvs list", "k\tv\nn\t41\n"),
        prints("kvs list --reverse --limit 1 --keys", "n\n"),
        prints("kvs list --json --prefix k", '{"key":"k","value":"v"}\n'),
        prints("kvs list -0 --values", "v\x0041\0"),
      ],
      "missing key": [prints("kvs list --prefix none", ""), prints("kvs list --dir none", "")],
      "bad usage": [
        misuses(LIST, "kvs list --limit many", '--limit is "many", expected a whole number'),
        misuses(LIST, "kvs list --keys --values", "--keys and --values exclude each other"),
        misuses(LIST, "kvs list -0 --json", "--null and --json exclude each other"),
        misuses(LIST, "kvs list --prefix", "Flag --prefix needs a value: P"),
      ],
      "unknown flag": [
        misuses(LIST, "kvs list --no-such-flag", 'Unknown flag "--no-such-flag"'),
        misuses(LIST, "kvs list --prefx=k", 'Unknown flag "--prefx", did you mean "--prefix"?'),
      ],
      "extra argument": [misuses(LIST, "kvs list surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(LIST, "kvs list -- --keys", 'Unexpected argument "--keys"'),
        prints("kvs list --", "k\tv\nn\t41\n"),
      ],
      "hostile bytes": [
        misuses(LIST, "kvs list --prefix $'\\xff'", NOT_UTF8),
        {
          ...changes("printf '\\0\\e\\n' | kvs set $'a\\t\\\\' - && kvs list --to b", {
            "a\t\\": "\0\x1b\n",
          }),
          stdout: "a\\t\\\\\t\0\x1b\\n\n",
        },
      ],
      "closed stdout": [prints("kvs list", "")],
      "locked store": [prints("kvs list", "k\tv\nn\t41\n")],
      "corrupt store": [fails("kvs list", 4, CORRUPT)],
      "read-only directory": [prints("kvs list", "k\tv\nn\t41\n")],
      "no space": [fails("kvs list >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "count",
    cells: {
      success: [prints("kvs count", "2\n"), prints("kvs count --prefix k", "1\n")],
      "missing key": [prints("kvs count --prefix none", "0\n"), prints("kvs count --dir none", "0\n")],
      "bad usage": [misuses(COUNT, "kvs count --prefix", "Flag --prefix needs a value: P")],
      "unknown flag": [misuses(COUNT, "kvs count --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(COUNT, "kvs count surplus", 'Unexpected argument "surplus"')],
      "--": [
        misuses(COUNT, "kvs count -- --prefix", 'Unexpected argument "--prefix"'),
        prints("kvs count --", "2\n"),
      ],
      "hostile bytes": [
        misuses(COUNT, "kvs count --prefix $'\\xff'", NOT_UTF8),
        prints("kvs count --prefix $'\\t\\n\\e'", "0\n"),
      ],
      "closed stdout": [prints("kvs count", "")],
      "locked store": [prints("kvs count", "2\n")],
      "corrupt store": [fails("kvs count", 4, CORRUPT)],
      "read-only directory": [prints("kvs count", "2\n")],
      "no space": [fails("kvs count >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "batch",
    cells: {
      success: [
        changes(`echo ${RECORD} '{"Remove":{"key":"n"}}' | kvs batch`, { k: "w", n: undefined }),
        prints("kvs batch </dev/null", ""),
      ],
      "missing key": [prints(`echo ${MISSING} | kvs batch`, "")],
      "bad usage": [
        fails(
          `printf '%s\\n' ${RECORD} nonsense | kvs batch`,
          2,
          "Cannot use line 2 of standard input, nothing was changed: Cannot decode line: it is not JSON",
        ),
        fails(
          `printf '%s\\n' ${RECORD} '{"Set":{"key":"k"}}' | kvs batch`,
          2,
          'Cannot use line 2 of standard input, nothing was changed: Cannot use command: "value" is not a string',
        ),
      ],
      "unknown flag": [misuses(BATCH, "kvs batch --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(BATCH, "kvs batch surplus", 'Unexpected argument "surplus"')],
      "--": [misuses(BATCH, "kvs batch -- --file", 'Unexpected argument "--file"')],
      "hostile bytes": [
        fails(
          `printf '{"Set":{"key":"\\xff","value":""}}' | kvs batch`,
          2,
          "Cannot use line 1 of standard input, nothing was changed: Cannot decode line: it is not UTF-8",
        ),
        changes(`echo '{"Set":{"key":"\\u0000\\n","value":"\\u001b\\\\"}}' | kvs batch`, {
          "\0\n": "\x1b\\",
        }),
      ],
      "closed stdout": [changes(`echo ${RECORD} | kvs batch`, { k: "w" })],
      "locked store": [fails(`echo ${RECORD} | kvs batch`, 5, LOCKED)],
      "corrupt store": [fails(`echo ${RECORD} | kvs batch`, 4, CORRUPT)],
      "read-only directory": [fails(`echo ${RECORD} | kvs batch`, 3, READ_ONLY)],
      "no space": [fails(`echo ${RECORD} | kvs batch`, 3, TOO_LARGE)],
    },
  },
  {
    command: "import",
    cells: {
      success: [
        changes(`echo ${RECORD} | kvs import`, { k: "w" }),
        changes(`echo '{"key":"k","value":"w"}' >in && kvs import in`, { k: "w" }),
        changes("printf 'k\\tw\\n' | kvs import - --as tsv", { k: "w" }),
        changes("printf 'k\\0w\\0' | kvs import --as nul", { k: "w" }),
        changes(`echo ${RECORD} | kvs import --atomic`, { k: "w" }),
        changes("printf 'HEADER=END\\n 6b\\n 77\\nDATA=END\\n' | kvs import --as mdb", { k: "w" }),
      ],
      "missing key": [
        prints(`echo ${MISSING} | kvs import`, ""),
        prints(`echo ${MISSING} | kvs import --atomic`, ""),
      ],
      "bad usage": [
        misuses(IMPORT, "kvs import --as csv", '--as is "csv", expected jsonl, tsv, nul or mdb'),
        fails("kvs import none", 3, 'Cannot open "none": no such file or directory'),
        {
          ...changes(`printf '%s\\n' ${RECORD} nonsense | kvs import`, { k: "w" }),
          exitCode: 2,
          stderr:
            "kvs: Cannot import line 2 of standard input, those before it are kept: Cannot decode line: it is not JSON\n",
        },
        fails(
          `printf '%s\\n' ${RECORD} nonsense | kvs import --atomic`,
          2,
          "Cannot import line 2 of standard input, nothing was imported: Cannot decode line: it is not JSON",
        ),
      ],
      "unknown flag": [
        misuses(IMPORT, "kvs import --atomic=yes", "Flag --atomic takes no value"),
        misuses(IMPORT, "kvs import --no-such-flag", 'Unknown flag "--no-such-flag"'),
      ],
      "extra argument": [misuses(IMPORT, "kvs import in surplus", 'Unexpected argument "surplus"')],
      "--": [
        fails("kvs import -- --as", 3, 'Cannot open "--as": no such file or directory'),
        changes(`echo ${RECORD} >- && kvs import -- -`, { k: "w" }),
      ],
      "hostile bytes": [
        fails(
          `printf '{"key":"\\xff","value":""}' | kvs import`,
          2,
          "Cannot import line 1 of standard input, those before it are kept: Cannot decode line: it is not UTF-8",
        ),
        changes("printf '\\e\\\\n\\t\\\\t\\\\\\\\\\n' | kvs import --as tsv", { "\x1b\n": "\t\\" }),
      ],
      "closed stdout": [changes(`echo ${RECORD} | kvs import`, { k: "w" })],
      "locked store": [
        fails(`echo ${RECORD} | kvs import`, 5, LOCKED),
        fails(`echo ${RECORD} | kvs import --atomic`, 5, LOCKED),
      ],
      "corrupt store": [
        fails(`echo ${RECORD} | kvs import`, 4, CORRUPT),
        fails(`echo ${RECORD} | kvs import --atomic`, 4, CORRUPT),
      ],
      "read-only directory": [
        fails(`echo ${RECORD} | kvs import`, 3, READ_ONLY),
        fails(`echo ${RECORD} | kvs import --atomic`, 3, READ_ONLY),
      ],
      "no space": [fails(`echo ${RECORD} | kvs import`, 3, TOO_LARGE)],
    },
  },
  {
    command: "export",
    cells: {
      success: [
        prints("kvs export", EXPORTED),
        prints("kvs export - --as tsv", "k\tv\nn\t41\n"),
        prints("kvs export --as nul", "k\0v\0n\x0041\0"),
        prints("kvs export file && cat file", EXPORTED),
      ],
      "missing key": [
        fails("kvs export --dir none", 3, 'Cannot open store "none": there is no such directory'),
      ],
      "bad usage": [
        misuses(EXPORT, "kvs export --as csv", '--as is "csv", expected jsonl, tsv, nul or mdb'),
        fails("kvs export none/file", 3, 'Cannot open "none/file": no such file or directory'),
      ],
      "unknown flag": [misuses(EXPORT, "kvs export --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(EXPORT, "kvs export file surplus", 'Unexpected argument "surplus"')],
      "--": [
        prints("kvs export -- --as && cat ./--as", EXPORTED),
        prints("kvs export -- - && cat ./-", EXPORTED),
      ],
      "hostile bytes": [
        {
          ...changes("printf '\\0\\e' | kvs set k - && kvs export --as tsv", { k: "\0\x1b" }),
          stdout: "k\t\0\x1b\nn\t41\n",
        },
        {
          ...changes("printf '\\0' | kvs set k - && kvs export --as nul", { k: "\0" }),
          exitCode: 1,
          stderr: "kvs: Cannot export a record that holds a NUL byte: use --as jsonl\n",
        },
      ],
      "closed stdout": [prints("kvs export", "")],
      "locked store": [prints("kvs export", EXPORTED)],
      "corrupt store": [fails("kvs export", 4, CORRUPT)],
      "read-only directory": [
        prints("kvs export", EXPORTED),
        fails("kvs export file", 3, 'Cannot open "file": permission denied'),
      ],
      "no space": [
        fails("kvs export >/dev/full", 3, OUTPUT_FULL),
        fails("kvs export /dev/full", 3, 'Cannot write "/dev/full": no space left on device'),
      ],
    },
  },
];
