import { absolutePath } from "../disk/absolute-path.ts";

/** A path as the user has named it, or the directory it lies in: the engine knows only whole paths. */
export function typedPath(path: string, typed: readonly string[]): string {
  for (const name of typed) {
    const whole = absolutePath(name);
    if (path === whole) return name;
    if (path.startsWith(`${whole}/`)) return `${name.replace(/\/+$/, "")}${path.slice(whole.length)}`;
  }
  return path;
}

/** The same of all whole paths that a message quotes. */
export function withTypedPaths(message: string, typed: readonly string[]): string {
  return message.replaceAll(/"(\/[^"]*)"/g, (_, path: string) => `"${typedPath(path, typed)}"`);
}
