import { KvStore } from "../../src/index.ts";
import { SimulatedMachine } from "../support/simulated-disk/machine.ts";
import { SimulatedProcess } from "../support/simulated-disk/process.ts";
import { rotate, STORE } from "./other-process.ts";
import type { Situation } from "./world.ts";

/** What histories begin with. */
export type Start = "new" | "new, JSON" | "sealed" | "original";

export function situationAt(start: Start, now: number): Situation {
  const machine = SimulatedMachine.create();
  const process = new SimulatedProcess(machine);
  if (start === "original") return { ...originalStore(process), now };
  const store = KvStore.openOn(process, STORE, {
    durability: "sync",
    format: start === "new, JSON" ? "json" : "binary",
  });
  if (start === "sealed") for (const key of ["a", "b"]) store.set(key, "first");
  store.close();
  if (start !== "sealed") return { state: machine.capture(), content: new Map(), now };
  rotate(machine, { dies: false });
  const entry = { value: "first", expiresAt: 0 };
  const content = new Map([
    ["a", entry],
    ["b", entry],
  ]);
  return { state: machine.capture(), content, now };
}

/** As the original kvs, in Rust, leaves it: logs without headers, and a last command that was cut off. */
function originalStore(process: SimulatedProcess): Omit<Situation, "now"> {
  process.makeDirectory(STORE);
  const logs = {
    "2.log": '{"Set":{"key":"a","value":"older"}}{"Set":{"key":"b","value":"older"}}',
    "3.log": '{"Remove":{"key":"a"}}{"Set":{"key":"b","value":"original"}}',
    "5.log": '{"Set":{"key":"a","va',
  };
  for (const [name, text] of Object.entries(logs)) {
    const file = process.create(`${STORE}/${name}`);
    file.append(Buffer.from(text), 0);
    file.sync();
    file.close();
  }
  process.syncDirectory(STORE);
  process.syncDirectory("/disk");
  return { state: process.machine.capture(), content: new Map([["b", { value: "original", expiresAt: 0 }]]) };
}
