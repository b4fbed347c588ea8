/**
 * The executable's entry point: refuses a hijacked runtime, answers the cheapest question at once, and loads the rest
 * only when it is needed.
 *
 * Rule: nothing is decided here that a command could decide.
 */
import { dropVariables, processEnvironment } from "./config.ts";
import { HIJACKED_EXIT, hijackOf, proxyVariables } from "./config/environment.ts";

const argv = process.argv.slice(2);

async function run(): Promise<number> {
  dropVariables(proxyVariables);
  const { endOnBugs } = await import("./cli/crash.ts");
  endOnBugs();
  const { dispatch } = await import("./cli/dispatch.ts");
  const { processTerminal } = await import("./cli/terminal.ts");
  const { realServices } = await import("./services.ts");
  return await dispatch(argv, {
    environment: processEnvironment(),
    workingDirectory: process.cwd(),
    services: realServices(),
    terminal: processTerminal(),
  });
}

async function start(): Promise<number> {
  const hijack = hijackOf({ environment: processEnvironment(), execArgv: process.execArgv, isExecutable: Bun.isStandaloneExecutable });
  if (hijack !== undefined) {
    process.stderr.write(`cyberun: ${hijack}\n`);
    return HIJACKED_EXIT;
  }
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "version")) {
    const { versionResult } = await import("./cli/version.ts");
    const { writeOut } = await import("./cli/write-out.ts");
    writeOut(`${versionResult().text}\n`);
    return 0;
  }
  return await run();
}

async function startAndEnd(): Promise<void> {
  const exitCode = await start();
  // What was said goes out first; then nothing that was left open may keep the process.
  await new Promise<void>((resolve) => process.stderr.write("", () => resolve()));
  process.exit(exitCode);
}

// The executable has one entry, so a worker of its begins here too: a second entry would put the program into the file twice.
await (Bun.isMainThread ? startAndEnd() : import("./backup/backup-worker.ts"));
