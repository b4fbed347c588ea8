/**
 * The way in for a machine that has only Node and npm, or only Bun: gets the pinned Bun and the dependencies, then
 * hands over to them.
 *
 *     npm start · npm test · npm run build|check|bench|drill|docs|client        (the same with `bun run`)
 *
 * Rule: plain JavaScript for Node 20 and for Bun, without dependencies, since it runs before anything is installed.
 * The version of Bun is pinned in one place: package.json, devDependencies.bun.
 * It must not know how anything is built or tested; `build/build.ts` and `build/test.ts` do.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bun = join(root, "node_modules", ".bin", process.platform === "win32" ? "bun.exe" : "bun");
const stamp = join(root, "node_modules", ".installed");
const STARTERS_CHECK_MS = 500;
const windowsShell = process.platform === "win32";

function say(line) {
  process.stderr.write(`cyberun: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

/** What node_modules must match: the lock file, the manifest it belongs to, and the machine. */
function wanted() {
  const hash = createHash("sha256");
  for (const name of ["bun.lock", "package.json"]) hash.update(readFileSync(join(root, name)));
  return hash.update(`${process.platform} ${process.arch}`).digest("hex");
}

function isInstalled() {
  return existsSync(bun) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted();
}

/**
 * The ways to run `bun install`, best first. A Bun that runs this file installs by itself, but one of another version
 * may be unable to read the lock file, so the pinned one is fetched then.
 */
function installers(version) {
  const frozen = ["install", "--frozen-lockfile"];
  const npx = ["npx", "-y", `bun@${version}`, ...frozen];
  const running = process.versions.bun;
  if (running === undefined) return [npx];
  if (running === version) return [[process.execPath, ...frozen], npx];
  return [[process.execPath, "x", `bun@${version}`, ...frozen], npx, [process.execPath, ...frozen]];
}

/** Installs what the lock file names, unless it is there. Prints the installer's own words only when it fails. */
function install() {
  if (isInstalled()) return;
  const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun;
  say(`installing Bun ${version} and the dependencies`);
  const failures = [];
  for (const [command, ...args] of installers(version)) {
    const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], shell: windowsShell });
    if (result.status === 0 && existsSync(bun)) {
      writeFileSync(stamp, wanted());
      return;
    }
    failures.push(`$ ${command} ${args.join(" ")}\n${result.error?.message ?? `${result.stdout}${result.stderr}`}`);
  }
  process.stderr.write(failures.join("\n"));
  fail("the dependencies could not be installed; the first installation needs the npm registry, or a filled cache.");
}

/** Runs a step to its end; a step that fails ends the whole with its exit code. */
function step(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 128 + constants.signals[result.signal]);
}

/** What /proc tells of a process; nothing where there is no /proc, or no such process any more. */
function processStat(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return "";
  }
}

/** Who started us: npm, or the shell that npm runs scripts with and npm behind it. */
function starters() {
  const [, name = "", grandparent = ""] = /\((.*)\) \S (\d+)/s.exec(processStat(process.ppid)) ?? [];
  return /^(?:ba|da|a)?sh$/.test(name) ? `${process.ppid} ${grandparent}` : `${process.ppid}`;
}

/** npm that is killed does not take along what it started: without this, that would hold its ports for ever. */
function endWithStarters(child) {
  const before = starters();
  setInterval(() => starters() !== before && child.kill("SIGTERM"), STARTERS_CHECK_MS).unref();
}

/**
 * Becomes `command`, as far as Node can: same terminal, signals passed on, same end.
 * A terminal sends Ctrl-C to the whole group, so passing SIGINT on as well would count as a second Ctrl-C.
 */
function become(command, args) {
  const child = spawn(command, args, { stdio: "inherit" });
  if (process.env.npm_lifecycle_event !== undefined) endWithStarters(child);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`${command} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Runs one of our own scripts; `missing` is said when a checkout does not have it. */
function script(name, args) {
  if (!existsSync(join(root, name))) fail(`${name} does not exist in this checkout.`);
  become(bun, [join(root, name), ...args]);
}

const build = () => step(bun, [join(root, "build", "build.ts")]);

const commands = {
  start: (args) => {
    build();
    become(join(root, "dist", "cyberun"), ["trial", ...args]);
  },
  build: (args) => script("build/build.ts", args),
  test: (args) => script("build/test.ts", args),
  check: (args) => script("build/check.ts", args),
  docs: (args) => script("build/docs.ts", args),
  client: (args) => script("build/client.ts", args),
  bench: (args) => {
    build();
    script("test/bench/run.ts", args);
  },
  drill: (args) => {
    build();
    script("test/drill/run.ts", args);
  },
};

const [name = "", ...rest] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) fail(`usage: node build/bootstrap.mjs ${Object.keys(commands).join("|")} [arguments]`);
install();
commands[name](rest[0] === "--" ? rest.slice(1) : rest);
