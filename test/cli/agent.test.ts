/** `cyberun agent …` as a process: refusals, the unit, and an agent that runs, is looked at and is drained. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAgentSettings } from "../../src/agent/settings.ts";
import { createKey } from "../../src/crypto/tokens.ts";
import { realServices } from "../../src/services.ts";
import { eventually } from "../support/eventually.ts";
import { codeOf } from "../support/refusal.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const good = { gateway_url: "http://127.0.0.1:9402", agent_id: "node-1", commands: { render: { argv: ["/bin/true"] } } };
let count = 0;

function fileOf(value: object | string, ending = "json"): string {
  const path = join(folder.path, `agent-${(count += 1)}.${ending}`);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

/** Of the clock that Linux counts processor time by. */
const TICK_MS = 10;

/** Processor time that a process has taken (proc(5), fields 14 and 15). */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

const read = async (path: string) => readAgentSettings(path);

describe("the agent's file", () => {
  beforeAll(() => chmodSync(folder.path, 0o700));

  test("is read from JSON and TOML, its paths from its own folder", async () => {
    const settings = await read(fileOf('gateway_url = "https://gateway.example:9402/"\nagent_id = "node-1"\nkey_file = "agent.key"\n[commands.render]\nargv = ["/usr/local/bin/render", "--quiet"]\n', "toml"));
    expect(settings).toMatchObject({ gatewayUrl: "https://gateway.example:9402", keyFile: join(folder.path, "agent.key"), dataDir: join(folder.path, "agent-data"), capacity: 1 });
    expect(settings.commands.get("render")?.argv).toEqual(["/usr/local/bin/render", "--quiet"]);
  });

  const bad: readonly (readonly [string, object | string])[] = [
    ["nothing", ""],
    ["no JSON", "{"],
    ["no name", { ...good, agent_id: undefined }],
    ["an unknown member", { ...good, shell: true }],
    ["an address with a path", { ...good, gateway_url: "http://a/b" }],
    ["another scheme", { ...good, gateway_url: "ftp://a" }],
    ["no capacity at all", { ...good, capacity: 0 }],
    ["a command without a program", { ...good, commands: { render: { argv: [] } } }],
    ["a program without its path", { ...good, commands: { render: { argv: ["render"] } } }],
    ["a command line in one text", { ...good, commands: { render: { argv: "/bin/sh -c x" } } }],
    ["a variable that is none", { ...good, commands: { render: { argv: ["/bin/true"], env: ["A=B"] } } }],
    ["a command with a slash in its name", { ...good, commands: { "../x": { argv: ["/bin/true"] } } }],
  ];
  test.each(bad)("with %s is refused", async (_name, value) => {
    expect(await codeOf(read(fileOf(value)))).toBe("invalid_request");
  });

  test("that is missing is refused", async () => expect(await codeOf(read(join(folder.path, "absent.toml")))).toBe("invalid_request"));
});

describe("the commands", () => {
  const main = join(import.meta.dir, "../../src/main.ts");
  function cyberun(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, main, ...words], { cwd: folder.path, env: { PATH: "/usr/bin:/bin", HOME: folder.path, ...environment } });
    return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
  }

  test("run needs an ak- key, and shows none that is not", () => {
    const file = fileOf(good);
    expect(cyberun(["agent", "run", file])).toMatchObject({ exit: 2 });
    const wrong = cyberun(["agent", "run", file], { CYBERUN_AGENT_KEY: "sk-something-secret" });
    expect(wrong.exit).toBe(2);
    expect(wrong.out + wrong.err).not.toContain("something-secret");
  });

  test("run sleeps while no gateway answers", async () => {
    const file = fileOf({ ...good, gateway_url: "http://127.0.0.1:1", data_dir: join(folder.path, "waiting") });
    const log = join(folder.path, "waiting.log");
    const child = Bun.spawn([process.execPath, main, "agent", "run", file], { cwd: folder.path, env: { HOME: folder.path, CYBERUN_AGENT_KEY: createKey("ak", realServices().random) }, stdio: ["ignore", "ignore", Bun.file(log)] });
    try {
      await eventually(() => existsSync(log) && readFileSync(log, "utf8").includes("link.closed"), "the agent finds no gateway");
      const [ticksBefore, begunMs] = [ticksOf(child.pid), performance.now()];
      await eventually(() => performance.now() - begunMs > 2_000);
      // Of the waiting itself; one that turns round and round takes all of it that it gets.
      expect((ticksOf(child.pid) - ticksBefore) * TICK_MS).toBeLessThan((performance.now() - begunMs) / 4);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });

  test("install writes a unit that has few rights and no key", () => {
    const file = fileOf({ ...good, key_file: "agent.key" });
    const unit = join(folder.path, "cyberun-agent.service");
    expect(cyberun(["agent", "install", file, "--out", unit]).exit).toBe(0);
    const text = readFileSync(unit, "utf8");
    for (const line of [`agent run ${file}`, "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "User=cyberun-agent", `ReadWritePaths=${join(folder.path, "agent-data")}`]) expect(text).toContain(line);
    expect(cyberun(["agent", "install", file, "--out", unit]).exit).toBe(6);
    expect(cyberun(["agent", "install", fileOf({ ...good, data_dir: "/tmp/a b" })]).exit).toBe(2);
  });

  test("diag says that nothing has run; drain leaves word for the agent", () => {
    const file = fileOf({ ...good, data_dir: join(folder.path, "other") });
    expect(cyberun(["agent", "diag", file]).exit).toBe(3);
    expect(JSON.parse(cyberun(["agent", "drain", file, "--json"]).out)).toMatchObject({ agent_id: "node-1", is_draining: true });
    expect(existsSync(join(folder.path, "other", "drain"))).toBe(true);
  });
});
