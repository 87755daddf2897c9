/** A command that a measurement needs, and Debian's package that has it. */
export interface Tool {
  readonly command: string;
  readonly package: string;
}

/** Installs what is missing, where there is apt-get and somebody who may; otherwise names it. */
export function requireTools(tools: readonly Tool[]): void {
  const missing = tools.filter(({ command }) => Bun.which(command) === null);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => tool.package))];
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const isInstalled =
    run([...asRoot, "apt-get", "update"]) && run([...asRoot, "apt-get", "install", "-y", ...packages]);
  if (isInstalled) return;
  const names = missing.map(({ command }) => `"${command}"`).join(", ");
  throw new Error(
    `Cannot measure ${names}: install Debian's ${packages.join(", ")}, or leave them out with --programs`,
  );
}

function run(command: readonly string[]): boolean {
  if (Bun.which(command[0] ?? "") === null) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return Bun.spawnSync([...command], { stdout: "ignore", stderr: "inherit", env }).success;
}
