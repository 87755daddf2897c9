import { nodeFs } from "./node-fs.ts";

const MANGLED = "\uFFFD";
const PARENT = "/..";

/**
 * The path of the working directory; the system's own name for it where its name is not
 * UTF-8, and no text could tell it. Throws where it was removed.
 */
export function workingDirectory(): string {
  const path = process.cwd();
  return process.platform === "linux" && path.includes(MANGLED) ? "/proc/self/cwd" : path;
}

/** The whole path of what the system finds by a path. */
export function absolutePath(path: string): string {
  const { isAbsolute, resolve } = process.getBuiltinModule("node:path");
  // Where the working directory was removed, `resolve` alone takes that of the executable.
  const whole = isAbsolute(path) ? path : `${workingDirectory()}/${path}`;
  return process.platform === "win32" ? resolve(whole) : resolve(afterParents(whole) || "/");
}

/**
 * A path every `..` of which was followed as the system does it: behind a symbolic link it
 * leads to the parent of what that points to. What is not there stays, for whoever opens it to tell.
 */
function afterParents(path: string): string {
  const at = path.search(/\/\.\.(?:\/|$)/);
  if (at < 0) return path;
  try {
    const before = nodeFs().realpathSync(path.slice(0, at) || "/");
    const parent = before.slice(0, Math.max(before.lastIndexOf("/"), 0));
    return afterParents(`${parent}${path.slice(at + PARENT.length)}`);
  } catch {
    return path;
  }
}
