/**
 * Judges what several processes were told by one store: there must be an order of
 * all operations, each somewhere between its request and its reply, in which a
 * single process would have been told the same.
 */

/** An operation on one key, in the words of `kvs shell`. */
export interface Operation {
  /** Its name and, behind the key, its operands. */
  readonly name: string;
  readonly operands: readonly string[];
  /** What it was told; undefined where its process died: it may have happened, or not. */
  readonly reply: string | undefined;
  /** When it was asked, and when it was over; of two operations the first may be over before the second is asked. */
  readonly start: number;
  readonly end: number;
}

/** A value, or undefined for none. */
type State = string | undefined;

interface Effect {
  readonly reply: string;
  readonly state: State;
}

/** What a single process does to a key that has this value. */
function effectOf({ name, operands: [value = "", flag = ""] }: Operation, state: State): Effect {
  const told = state === undefined ? "none" : `value\t${state}`;
  if (name === "get") return { reply: told, state };
  if (name === "rm") return { reply: state === undefined ? "none" : "ok", state: undefined };
  if (name === "append") return { reply: "ok", state: `${state ?? ""}${value}` };
  if (name === "incr") {
    const sum = String(Number(state ?? "0") + 1);
    return { reply: `value\t${sum}`, state: sum };
  }
  return isMet(flag, state) ? { reply: "ok", state: value } : { reply: "no", state };
}

function isMet(flag: string, state: State): boolean {
  if (flag === "--if-absent") return state === undefined;
  return flag === "" || flag === `--if-equals=${state}`;
}

/** A search's position: operations before `from` and those in `ahead` have had their turn. */
interface Position {
  readonly from: number;
  readonly ahead: readonly number[];
  readonly state: State;
}

/** Whether there is such an order for the operations on one key, which starts without a value. */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const sorted = operations.toSorted((a, b) => a.start - b.start);
  const visited = new Set<string>();
  const open: Position[] = [{ from: 0, ahead: [], state: undefined }];
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (position.from === sorted.length) return true;
    const name = `${position.from} ${position.ahead.join()} ${position.state}`;
    if (visited.has(name)) continue;
    visited.add(name);
    open.push(...next(sorted, position));
  }
  return false;
}

/** Positions that are one operation further. */
function* next(sorted: readonly Operation[], position: Position): Generator<Position> {
  const { from, ahead, state } = position;
  let earliestEnd = Number.POSITIVE_INFINITY;
  for (let at = from; at < sorted.length; at += 1) {
    const operation = sorted[at];
    // One that was over before another was asked has its turn before that.
    if (operation === undefined || operation.start > earliestEnd) return;
    if (ahead.includes(at)) continue;
    earliestEnd = Math.min(earliestEnd, operation.end);
    const effect = effectOf(operation, state);
    const { reply } = operation;
    if (reply === undefined) yield advance(position, at, state);
    if (reply === undefined || reply === effect.reply) yield advance(position, at, effect.state);
  }
}

function advance({ from, ahead }: Position, at: number, state: State): Position {
  const done = new Set([...ahead, at]);
  let first = from;
  while (done.delete(first)) first += 1;
  return { from: first, ahead: [...done].toSorted((a, b) => a - b), state };
}
