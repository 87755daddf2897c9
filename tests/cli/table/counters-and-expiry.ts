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

const INCR = "incr KEY [BY] [--key-hex HEX]";
const APPEND = "append KEY VALUE [--key-hex HEX] [--file PATH]";
const TTL = "ttl KEY [--key-hex HEX]";
const EXPIRE = "expire KEY DURATION [--key-hex HEX]";
const PERSIST = "persist KEY [--key-hex HEX]";

const counts = (line: string, key: string, sum: string) => ({
  ...changes(line, { [key]: sum }),
  stdout: `${sum}\n`,
});

/** The commands that change a value in place, and those for its time to live. */
export const COUNTERS_AND_EXPIRY: readonly Row[] = [
  {
    command: "incr",
    cells: {
      success: [counts("kvs incr n", "n", "42"), counts("kvs incr n -50", "n", "-9")],
      "missing key": [counts("kvs incr new", "new", "1")],
      "bad usage": [
        misuses(INCR, "kvs incr", "Missing KEY, or --key-hex"),
        misuses(INCR, "kvs incr n 1.5", 'BY is "1.5", expected a decimal integer'),
        fails("kvs incr k", 1, "Cannot increment: the value is not a decimal integer"),
        fails("kvs incr n 9007199254740992", 1, "Cannot add 9007199254740992: it is past 2^53-1"),
      ],
      "unknown flag": [misuses(INCR, "kvs incr n --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(INCR, "kvs incr n 1 surplus", 'Unexpected argument "surplus"')],
      "--": [counts("kvs incr -- --help -2", "--help", "-2")],
      "hostile bytes": [
        misuses(INCR, "kvs incr $'\\xff'", NOT_UTF8),
        misuses(INCR, "kvs incr n $'1\\n'", 'BY is "1\\x0a", expected a decimal integer'),
        counts("kvs incr $'\\t\\n\\e'", "\t\n\x1b", "1"),
      ],
      "closed stdout": [changes("kvs incr n", { n: "42" })],
      "locked store": [fails("kvs incr n", 5, LOCKED)],
      "corrupt store": [fails("kvs incr n", 4, CORRUPT)],
      "read-only directory": [fails("kvs incr n", 3, READ_ONLY)],
      "no space": [fails("kvs incr n", 3, TOO_LARGE)],
    },
  },
  {
    command: "append",
    cells: {
      success: [
        changes("kvs append k w", { k: "vw" }),
        changes("printf 'w\\n' | kvs append k -", { k: "vw\n" }),
      ],
      "missing key": [changes("kvs append new w", { new: "w" })],
      "bad usage": [
        misuses(APPEND, "kvs append", "Missing KEY, or --key-hex"),
        misuses(APPEND, "kvs append k", "Missing VALUE, or --file"),
        fails("kvs append k --file none", 3, 'Cannot open "none": no such file or directory'),
      ],
      "unknown flag": [misuses(APPEND, "kvs append k w --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(APPEND, "kvs append k w surplus", 'Unexpected argument "surplus"')],
      "--": [changes("kvs append k -- --help", { k: "v--help" }), changes("kvs append -- k -", { k: "v-" })],
      "hostile bytes": [
        misuses(APPEND, "kvs append $'\\xff' w", NOT_UTF8),
        changes("printf '\\0\\e' | kvs append k -", { k: "v\0\x1b" }),
      ],
      "closed stdout": [changes("kvs append k w", { k: "vw" })],
      "locked store": [fails("kvs append k w", 5, LOCKED)],
      "corrupt store": [fails("kvs append k w", 4, CORRUPT)],
      "read-only directory": [fails("kvs append k w", 3, READ_ONLY)],
      "no space": [fails("kvs append k w", 3, TOO_LARGE)],
    },
  },
  {
    command: "ttl",
    cells: {
      success: [
        prints("kvs ttl k", "-\n"),
        prints("kvs expire k 1h && (( $(kvs ttl k) > 3500000 )) && kvs persist k", ""),
      ],
      "missing key": [
        fails("kvs ttl none", 1, "Key not found"),
        fails("kvs ttl k --dir none", 1, "Key not found"),
      ],
      "bad usage": [
        misuses(TTL, "kvs ttl", "Missing KEY, or --key-hex"),
        misuses(TTL, "kvs ttl --dir none --key-hex f", BAD_HEX),
      ],
      "unknown flag": [misuses(TTL, "kvs ttl k --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(TTL, "kvs ttl k surplus", 'Unexpected argument "surplus"')],
      "--": [prints("kvs ttl -- k", "-\n"), fails("kvs ttl -- --help", 1, "Key not found")],
      "hostile bytes": [
        misuses(TTL, "kvs ttl $'\\xff'", NOT_UTF8),
        fails("kvs ttl --key-hex ff00", 1, "Key not found"),
      ],
      "closed stdout": [prints("kvs ttl k", "")],
      "locked store": [prints("kvs ttl k", "-\n")],
      "corrupt store": [fails("kvs ttl k", 4, CORRUPT)],
      "read-only directory": [prints("kvs ttl k", "-\n")],
      "no space": [fails("kvs ttl k >/dev/full", 3, OUTPUT_FULL)],
    },
  },
  {
    command: "expire",
    cells: {
      success: [prints("kvs expire k 1h", ""), changes("kvs expire k 1ms; sleep 0.002", { k: undefined })],
      "missing key": [
        fails("kvs expire none 1h", 1, "Key not found"),
        fails("kvs expire k 1h --dir none", 1, "Key not found"),
      ],
      "bad usage": [
        misuses(EXPIRE, "kvs expire k", "Missing DURATION"),
        misuses(
          EXPIRE,
          "kvs expire k soon",
          'DURATION is "soon", expected a duration such as 500ms, 10s, 5m, 2h or 7d',
        ),
        misuses(EXPIRE, "kvs expire k 0s", 'DURATION is "0s", expected a longer duration'),
        misuses(EXPIRE, "kvs expire k 999999999d", 'DURATION is "999999999d", expected a shorter duration'),
      ],
      "unknown flag": [misuses(EXPIRE, "kvs expire k 1h --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(EXPIRE, "kvs expire k 1h surplus", 'Unexpected argument "surplus"')],
      "--": [prints("kvs expire -- k 1h", ""), fails("kvs expire -- --help 1h", 1, "Key not found")],
      "hostile bytes": [
        misuses(EXPIRE, "kvs expire $'\\xff' 1h", NOT_UTF8),
        misuses(
          EXPIRE,
          "kvs expire k $'1h\\n'",
          'DURATION is "1h\\x0a", expected a duration such as 500ms, 10s, 5m, 2h or 7d',
        ),
        fails("kvs expire --key-hex ff00 1h", 1, "Key not found"),
      ],
      "closed stdout": [prints("kvs expire k 1h", "")],
      "locked store": [fails("kvs expire k 1h", 5, LOCKED)],
      "corrupt store": [fails("kvs expire k 1h", 4, CORRUPT)],
      "read-only directory": [fails("kvs expire k 1h", 3, READ_ONLY)],
      "no space": [fails("kvs expire k 1h", 3, TOO_LARGE)],
    },
  },
  {
    command: "persist",
    cells: {
      success: [
        prints("kvs persist k", ""),
        { ...changes("kvs set e w --ttl 1h && kvs persist e && kvs ttl e", { e: "w" }), stdout: "-\n" },
      ],
      "missing key": [
        fails("kvs persist none", 1, "Key not found"),
        fails("kvs persist k --dir none", 1, "Key not found"),
      ],
      "bad usage": [
        misuses(PERSIST, "kvs persist", "Missing KEY, or --key-hex"),
        misuses(PERSIST, "kvs persist --dir none --key-hex f", BAD_HEX),
      ],
      "unknown flag": [misuses(PERSIST, "kvs persist k --no-such-flag", 'Unknown flag "--no-such-flag"')],
      "extra argument": [misuses(PERSIST, "kvs persist k surplus", 'Unexpected argument "surplus"')],
      "--": [prints("kvs persist -- k", ""), fails("kvs persist -- --help", 1, "Key not found")],
      "hostile bytes": [
        misuses(PERSIST, "kvs persist $'\\xff'", NOT_UTF8),
        fails("kvs persist --key-hex ff00", 1, "Key not found"),
      ],
      "closed stdout": [prints("kvs persist k", "")],
      "locked store": [fails("kvs persist k", 5, LOCKED)],
      "corrupt store": [fails("kvs persist k", 4, CORRUPT)],
      "read-only directory": [fails("kvs persist k", 3, READ_ONLY)],
      "no space": [fails("kvs persist k", 3, TOO_LARGE)],
    },
  },
];
