import {
  BAD_HEX,
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

const SET = "set KEY VALUE [--key-hex HEX] [--file PATH] [--ttl DURATION] [--if-absent] [--if-equals V]";
const GET = "get KEY [--key-hex HEX] [--default V] [-n] [--output FILE]";
const RM = "rm KEY [--key-hex HEX] [--if-exists] [--if-equals V] [--print] [--prefix P] [--dry-run] [--yes]";
const EXISTS = "exists KEY [--key-hex HEX]";

/** The commands for one value. */
export const KEY_COMMANDS: readonly Row[] = [
  {
    command: "set",
    cells: {
      success: [
        changes("kvs set k w", { k: "w" }),
        changes("printf w | kvs set k -", { k: "w" }),
        changes("kvs set --if-equals v k w", { k: "w" }),
      ],
      "missing key": [
        changes("kvs set new w", { new: "w" }),
        fails("kvs set new w --if-equals v", 1, "Value is another one, or the key is missing"),
      ],
      "bad usage": [
        misuses(SET, "kvs set", "Missing KEY, or --key-hex"),
        misuses(SET, "kvs set k", "Missing VALUE, or --file"),
        misuses(SET, "kvs set k w --ttl 0s", '--ttl is "0s", expected a longer duration'),
        misuses(
          SET,
          "kvs set k w --if-absent --if-equals v",
          "--if-absent and --if-equals exclude each other",
        ),
      ],
      "unknown flag": [
        misuses(SET, "kvs set k w --no-such-flag", 'Unknown flag "--no-such-flag"'),
        misuses(SET, "kvs set k w -x", 'Unknown flag "-x"'),
        misuses(SET, "kvs set k w --tll=1s", 'Unknown flag "--tll", did you mean "--ttl"?'),
      ],
      "extra argument": [misuses(SET, "kvs set k w surplus", 'Unexpected argument "surplus"')],
      "--": [
        changes("kvs set k -- --help", { k: "--help" }),
        changes("kvs set -- --key -", { "--key": "-" }),
      ],
      "hostile bytes": [
        misuses(SET, "kvs set $'\\xff' w", NOT_UTF8),
        misuses(SET, "kvs set k $'\\xff'", NOT_UTF8),
        changes("printf 'a\\0\\n\\r\\e' | kvs set $'\\t\\n\\e' -", { "\t\n\x1b": "a\0\n\r\x1b" }),
        changes("kvs set --key-hex 0A00 ''", { "\n\0": "" }),
      ],
      "closed stdout": [changes("kvs set k w", { k: "w" })],
      "locked store": [fails("kvs set k w", 5, LOCKED)],
      "corrupt store": [fails("kvs set k w", 4, CORRUPT)],
      "read-only directory": [
        fails("kvs set k w", 3, READ_ONLY),
        fails("kvs set k w --dir new", 3, 'Cannot create directory "new": permission denied'),
      ],
      "no space": [fails("kvs set k w", 3, TOO_LARGE)],
    },
  },
  {
    command: "get",
    cells: {
      success: [
        prints("kvs get k", "v"),
        prints("kvs get k -n", "v\n"),
        prints("kvs get k --output out && cat out", "v"),
      ],
      "missing key": [
        fails("kvs get none", 1, "Key not found"),
        fails("kvs get k --dir none", 1, "Key not found"),
        prints("kvs get none --default d", "d"),
      ],
      "bad usage": [
        misuses(GET, "kvs get", "Missing KEY, or --key-hex"),
        misuses(GET, "kvs get --key-hex f", BAD_HEX),
        misuses(GET, "kvs get k --default", "Flag --default needs a value: V"),
      ],
      "unknown flag": [misuses(GET, "kvs get k --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(GET, "kvs get k surplus", 'Unexpected argument "surplus"')],
      "--": [fails("kvs get -- --help", 1, "Key not found"), prints("kvs get --default d -- -n", "d")],
      "hostile bytes": [
        misuses(GET, "kvs get $'\\xff'", NOT_UTF8),
        fails("kvs get --key-hex ff00", 1, "Key not found"),
        prints("kvs get $'\\t\\n\\e' --default $'\\e[31m\\n'", "\x1b[31m\n"),
      ],
      "closed stdout": [prints("kvs get k", "")],
      "locked store": [prints("kvs get k", "v")],
      "corrupt store": [fails("kvs get k", 4, CORRUPT), fails("kvs get none", 4, CORRUPT)],
      "read-only directory": [
        prints("kvs get k", "v"),
        fails("kvs get k --output out", 3, 'Cannot open "out": permission denied'),
      ],
      "no space": [
        fails("kvs get k >/dev/full", 3, OUTPUT_FULL),
        fails("kvs get k --output /dev/full", 3, 'Cannot write "/dev/full": no space left on device'),
      ],
    },
  },
  {
    command: "rm",
    cells: {
      success: [
        changes("kvs rm k", { k: undefined }),
        { ...changes("kvs rm k --print", { k: undefined }), stdout: "v" },
        changes("kvs rm k --if-equals v", { k: undefined }),
        changes("kvs rm --prefix k --yes", { k: undefined }),
        prints("kvs rm --prefix k --dry-run", "k\n"),
      ],
      "missing key": [
        fails("kvs rm none", 1, "Key not found"),
        fails("kvs rm k --dir none", 1, "Key not found"),
        prints("kvs rm none --if-exists", ""),
        prints("kvs rm --prefix none --yes", ""),
        fails("kvs rm k --if-equals w", 1, "Value is another one"),
      ],
      "bad usage": [
        misuses(RM, "kvs rm", "Missing KEY, or --key-hex, or --prefix"),
        misuses(RM, "kvs rm k --yes", "--yes needs --prefix"),
        misuses(RM, "kvs rm --prefix k --print", "--prefix and --print exclude each other"),
        misuses(
          RM,
          "kvs rm --prefix k",
          "rm --prefix removes many keys: say --yes, or see them with --dry-run",
        ),
      ],
      "unknown flag": [misuses(RM, "kvs rm k --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [
        misuses(RM, "kvs rm k surplus", 'Unexpected argument "surplus"'),
        misuses(RM, "kvs rm --prefix k --yes n", 'Unexpected argument "n": --prefix stands for KEY'),
      ],
      "--": [fails("kvs rm -- --if-exists", 1, "Key not found"), changes("kvs rm -- k", { k: undefined })],
      "hostile bytes": [
        misuses(RM, "kvs rm $'\\xff'", NOT_UTF8),
        fails("kvs rm --key-hex ff00", 1, "Key not found"),
        fails("kvs rm $'\\t\\n\\e'", 1, "Key not found"),
      ],
      "closed stdout": [changes("kvs rm k", { k: undefined })],
      "locked store": [fails("kvs rm k", 5, LOCKED), fails("kvs rm none", 5, LOCKED)],
      "corrupt store": [fails("kvs rm k", 4, CORRUPT), fails("kvs rm none", 4, CORRUPT)],
      "read-only directory": [fails("kvs rm k", 3, READ_ONLY)],
      "no space": [fails("kvs rm k", 3, TOO_LARGE)],
    },
  },
  {
    command: "exists",
    cells: {
      success: [prints("kvs exists k", "")],
      "missing key": [
        { ...prints("kvs exists none", ""), exitCode: 1 },
        { ...prints("kvs exists k --dir none", ""), exitCode: 1 },
      ],
      "bad usage": [
        misuses(EXISTS, "kvs exists", "Missing KEY, or --key-hex"),
        misuses(EXISTS, "kvs exists --dir none --key-hex f", BAD_HEX),
      ],
      "unknown flag": [misuses(EXISTS, "kvs exists k --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(EXISTS, "kvs exists k surplus", 'Unexpected argument "surplus"')],
      "--": [{ ...prints("kvs exists -- --help", ""), exitCode: 1 }, prints("kvs exists -- k", "")],
      "hostile bytes": [
        misuses(EXISTS, "kvs exists $'\\xff'", NOT_UTF8),
        { ...prints("kvs exists --key-hex ff00", ""), exitCode: 1 },
      ],
      "closed stdout": [prints("kvs exists k", "")],
      "locked store": [prints("kvs exists k", "")],
      "corrupt store": [fails("kvs exists k", 4, CORRUPT), fails("kvs exists none", 4, CORRUPT)],
      "read-only directory": [prints("kvs exists k", "")],
      "no space": [prints("kvs exists k >/dev/full", "")],
    },
  },
];
