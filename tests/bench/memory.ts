import { heapStats } from "bun:jsc";
import { readFileSync } from "node:fs";

/** What a process uses, in bytes. Peak and parts are the system's figures; only Linux tells them. */
export interface Memory {
  /** The most that was resident at any time. */
  readonly peakBytes?: number;
  /** Resident now and the process's own. */
  readonly anonymousBytes?: number;
  /** Resident now and mapped from files. */
  readonly mappedBytes?: number;
  /** JavaScript's objects. What they only refer to is told above; the engine counts all of a mapped file there, touched or not. */
  readonly heapBytes: number;
}

const BYTES_A_KIB = 1024;

/** Of this process. */
export function memoryInUse(): Memory {
  const { heapSize, extraMemorySize } = heapStats();
  const status = readStatus();
  const bytesOf = (name: string): number | undefined => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return kib === undefined ? undefined : Number(kib) * BYTES_A_KIB;
  };
  return {
    ...defined("peakBytes", bytesOf("VmHWM")),
    ...defined("anonymousBytes", bytesOf("RssAnon")),
    ...defined("mappedBytes", bytesOf("RssFile")),
    heapBytes: heapSize - extraMemorySize,
  };
}

function readStatus(): string {
  try {
    return readFileSync("/proc/self/status", "latin1");
  } catch {
    return "";
  }
}

function defined<K extends string>(name: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<K, number>>);
}
