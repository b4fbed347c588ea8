/**
 * Gets what the tests need from the system's package manager, where that can be done without asking: as root on a
 * Debian-like system. Anywhere else the tests that need it are skipped, each with a sentence that says what to install.
 */
import { missingTools, packagesOf } from "./tools.ts";

const apt = ["apt-get", "-y", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];

function canInstall(): boolean {
  return process.getuid?.() === 0 && Bun.which("apt-get") !== null;
}

/** True when the step passed; its output is shown only when it did not. */
function run(command: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { success, stdout, stderr } = Bun.spawnSync([...command], { env, stdin: "ignore" });
  if (!success) process.stderr.write(Buffer.concat([stdout, stderr]));
  return success;
}

/** Installs the missing tools where it can. What it cannot install is no error. */
export function provision(): void {
  const missing = missingTools();
  if (missing.length === 0 || !canInstall()) return;
  const packages = packagesOf(missing);
  console.log(`cyberun: installing ${packages.join(", ")}`);
  if (run([...apt, "update"]) && run([...apt, "install", "--no-install-recommends", ...packages])) return;
  console.log(`cyberun: ${packages.join(", ")} could not be installed; the tests that need them will say so`);
}
