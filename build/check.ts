/** `bun run check`: types and house rules, in seconds. */
import { root } from "./executables.ts";

for (const command of [["check", "--no-script"], ["check", "--no-script", "-p", "src/dashboard/app"], ["test", "./test/tidy"]]) {
  const { exitCode } = Bun.spawnSync([process.execPath, ...command], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (exitCode !== 0) process.exit(exitCode ?? 1);
}
