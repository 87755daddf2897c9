import { statfsSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

const BYTES_A_GIB = 2 ** 30;
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: "ext4",
  0x01021994: "tmpfs",
  0x9123683e: "btrfs",
  0x58465342: "xfs",
  0x794c7630: "overlayfs",
};

/** What the figures were measured on, in one line and without names of people or hosts. */
export function describeMachine(scratch: string): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const gib = Math.round(totalmem() / BYTES_A_GIB);
  const { type } = statfsSync(scratch);
  const fileSystem = FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`;
  return [
    `${processors.length} x ${model} (${process.arch})`,
    `${gib} GiB of memory`,
    `${process.platform} ${kernelVersion()}`,
    fileSystem,
    `Bun ${Bun.version}`,
  ].join(", ");
}

/** The numbers alone: what follows them may be the name of a provider. */
function kernelVersion(): string {
  return /^\d+(?:\.\d+)*/.exec(release())?.[0] ?? "";
}
