/** Loaded before a test's file, it breaks the engine in the way that KVS_SEEDED_BUG names. */
import { type BugName, seedBug } from "../../src/format/seeded-bugs.ts";
import { SEEDED_BUGS } from "../reliability/bug-table.ts";

const name = process.env["KVS_SEEDED_BUG"] ?? "";
if (!Object.hasOwn(SEEDED_BUGS, name)) throw new Error(`There is no seeded bug "${name}"`);
seedBug(name as BugName);
