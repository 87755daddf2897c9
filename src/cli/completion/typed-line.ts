import { flagCalled, operandsExpected } from "../argv.ts";
import type { ArgsSpec, Command, OperandSpec, StringFlagSpec } from "../command.ts";
import { GLOBAL_FLAGS, TOP_FLAGS } from "../global-flags.ts";

/** A command line up to the cursor: whole words after `kvs`, and the one that is being typed. */
export interface Typed {
  readonly words: readonly string[];
  readonly current: string;
}

/** What the word being typed may become. */
export type Expected =
  | { readonly kind: "nothing" | "command" }
  | { readonly kind: "flag"; readonly spec: ArgsSpec }
  /** `attached` is the part of the word in front of the value, as in `--dir=`. */
  | { readonly kind: "value"; readonly spec: StringFlagSpec; readonly attached: string }
  | { readonly kind: "operand"; readonly name: string; readonly spec: OperandSpec };

const NOTHING: Expected = { kind: "nothing" };

/** Reads a command line that is not finished yet, and may never become a right one. */
export class TypedLine {
  readonly values: Record<string, string> = {};
  readonly expected: Expected;
  /** Whether `--` was typed: what follows is an operand, whatever it looks like. */
  isLiteral = false;
  readonly #commands: readonly Command[];
  #command: Command | undefined;
  #isUnknown = false;
  #operands = 0;
  /** A flag that waits for its value. */
  #waiting: { readonly name: string; readonly spec: StringFlagSpec } | undefined;

  constructor({ words, current }: Typed, commands: readonly Command[]) {
    this.#commands = commands;
    for (const word of words) this.#take(word);
    this.expected = this.#isUnknown ? NOTHING : this.#expect(current);
  }

  #take(word: string): void {
    if (this.#waiting !== undefined) {
      this.values[this.#waiting.name] = word;
      this.#waiting = undefined;
      return;
    }
    if (this.isLiteral) this.#takeOperand(word);
    else if (word === "--") this.isLiteral = true;
    else if (!this.#takeFlag(word)) this.#takeOperand(word);
  }

  #takeFlag(word: string): boolean {
    const found = flagCalled(word, this.#spec());
    if (found === undefined) return false;
    const { name, spec, inline } = found;
    if (spec.type === "string" && inline === undefined) this.#waiting = { name, spec };
    this.values[name] = inline ?? "";
    return true;
  }

  #takeOperand(word: string): void {
    if (this.#command !== undefined) {
      this.#operands += 1;
      return;
    }
    this.#command = this.#commands.find(({ meta }) => meta.name === word);
    this.#isUnknown ||= this.#command === undefined;
  }

  #expect(current: string): Expected {
    if (this.#waiting !== undefined) return { kind: "value", spec: this.#waiting.spec, attached: "" };
    if (!this.isLiteral && current.startsWith("-")) return this.#expectFlag(current);
    if (this.#command === undefined) return { kind: "command" };
    const [name, spec] = operandsExpected(this.#spec(), this.values)[this.#operands] ?? [];
    return name === undefined || spec === undefined ? NOTHING : { kind: "operand", name, spec };
  }

  #expectFlag(current: string): Expected {
    const equals = current.indexOf("=") + 1;
    if (equals === 0) {
      const untyped = Object.entries(this.#spec()).filter(([name]) => this.values[name] === undefined);
      return { kind: "flag", spec: Object.fromEntries(untyped) };
    }
    const found = flagCalled(current, this.#spec());
    if (found?.spec.type !== "string") return NOTHING;
    return { kind: "value", spec: found.spec, attached: current.slice(0, equals) };
  }

  #spec(): ArgsSpec {
    return { ...GLOBAL_FLAGS, ...(this.#command === undefined ? TOP_FLAGS : this.#command.args) };
  }
}
