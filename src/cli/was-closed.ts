import * as fs from "node:fs";

/** In the flags of a descriptor as Linux shows them, octal: it is closed when another program takes the process over. */
const CLOEXEC = 0o2000000;

/**
 * Whether the program was started with this descriptor closed. Bun opens /dev/null
 * in its place, so that no other file gets its number; that one is told by its
 * flag: nobody can inherit a descriptor that has it.
 */
export function wasClosed(fd: number): boolean {
  return fs.fstatSync(fd).isCharacterDevice() && isOwnDescriptor(fd);
}

function isOwnDescriptor(fd: number): boolean {
  try {
    const [, flags = ""] =
      /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "latin1")) ?? [];
    return (Number.parseInt(flags, 8) & CLOEXEC) !== 0;
  } catch {
    // Other systems do not say.
    return false;
  }
}
