/** The reference agent against a real gateway over real sockets, with real processes. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOf } from "../../src/agent/journal.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { readTaskEvents } from "../../src/tasks/events.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { readTask, readTaskResult } from "../../src/tasks/tasks.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type CommandAgentOptions, cutting, script, startAgent } from "../support/command-agent.ts";
import { gatewayHost } from "../support/gateway-host.ts";
import { paced } from "../support/paced.ts";
import { addKey } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { temporaryFolder } from "../support/folder.ts";

const FACTOR = 5;
let site: TestRoles;
let folder: ReturnType<typeof temporaryFolder>;
let key: string;
const started: ReturnType<typeof startAgent>[] = [];
const hosts: ReturnType<typeof gatewayHost>[] = [];

beforeEach(async () => {
  site = await startRoles();
  folder = temporaryFolder();
  key = (await addKey(site.gate, site.people.owner, "agent")).rawKey;
});
afterEach(async () => {
  for (const { agent } of started.splice(0)) agent.abandon();
  for (const host of hosts.splice(0)) await host.stop();
  await site.close();
  folder[Symbol.dispose]();
});

const until = async (isTrue: () => boolean | Promise<boolean>) => await paced(site.world.services.clock, FACTOR, isTrue);

function start(commands: CommandAgentOptions["commands"], changes: Partial<CommandAgentOptions> = {}) {
  const agent = startAgent({ services: site.world.services, folder: folder.path, url: () => site.urls.gateway, rawKey: key, commands, ...changes });
  started.push(agent);
  return agent;
}

async function run(command: string, definition: Parameters<typeof importWorkflow>[2] = {}, parameters: Record<string, unknown> = {}): Promise<string> {
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: command, display_name: command, tool_type: "command", workflow_json: { command }, ...definition });
  return (await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: command, parameters })).task_id;
}

const statusOf = async (task_id: string) => (await readTask(site.gate, site.people.owner, { task_id })).task_status;
const resultOf = async (task_id: string) => await readTaskResult(site.gate, site.people.owner, { task_id });

async function eventsOf(task_id: string) {
  const all: { kind: string; content: Record<string, unknown> }[] = [];
  for (let after = 0; ; ) {
    const { events } = await readTaskEvents(site.gate, site.people.owner, { task_id, after });
    if (events.length === 0) return all;
    after = events.at(-1)?.sequence ?? after;
    all.push(...events.map(({ kind, content }) => ({ kind, content: JSON.parse(content) })));
  }
}

async function logOf(task_id: string): Promise<string> {
  return (await eventsOf(task_id)).filter(({ kind }) => kind === "log").map(({ content }) => String(content["text"])).join("");
}

const isOver = async (task_id: string) => ["completed", "failed", "cancelled"].includes(await statusOf(task_id));

describe("a command", () => {
  test("gets its parameters as variables and a file, streams its output and progress, and gives back its result", async () => {
    start({ greet: script('echo "hello $CYBERUN_PARAM_NAME"; echo "::progress 0.5"; echo oops >&2; cat "$CYBERUN_PARAMETERS_FILE"; pwd; printf \'{"image_count": 2}\' > "$CYBERUN_RESULT_FILE"') });
    const definition = { parameters: [{ key: "name", type: "string" as const }] };
    const task_id = await run("greet", definition, { name: 'Ada "; rm -rf $HOME' });
    await until(() => isOver(task_id));
    expect(await resultOf(task_id)).toMatchObject({ task_status: "completed", task_output: { image_count: 2 } });
    const log = await logOf(task_id);
    expect(log).toContain('hello Ada "; rm -rf $HOME\n');
    expect(log).toContain("oops\n");
    expect(log).toContain(`${folder.path}/agent/attempts/${task_id}.1/work\n`);
    expect((await eventsOf(task_id)).filter(({ kind }) => kind === "progress").map(({ content }) => content["progress"])).toEqual([0.5]);
    await until(() => readdirSync(join(folder.path, "agent", "attempts")).length === 0);
  });

  test("sees of the agent's variables what its row allows, never the key, and nothing of the test", async () => {
    start({ env: script("env", { env: ["LANG", "ABSENT"] }) }, { variables: { LANG: "C.UTF-8", CYBERUN_AGENT_KEY: key, SECRET: "x" } });
    const task_id = await run("env");
    await until(() => isOver(task_id));
    const names = (await logOf(task_id)).split("\n").map((line) => line.split("=")[0]).filter((name) => name !== "" && name !== "PWD" && name !== "_" && name !== "OLDPWD" && name !== "SHLVL");
    expect(names.toSorted()).toEqual(["CYBERUN_ATTEMPT", "CYBERUN_OUTPUTS_DIR", "CYBERUN_PARAMETERS_FILE", "CYBERUN_RESULT_FILE", "CYBERUN_TASK_ID", "LANG", "PATH"]);
    expect(await logOf(task_id)).not.toContain(key);
  });

  const ends: readonly (readonly [string, string, CommandAgentOptions["commands"], string])[] = [
    ["is not in the agent's file", "absent", {}, "The command absent is not in this agent's own file."],
    ["ends with a code", "bad", { bad: script("exit 3") }, "The command ended with exit code 3."],
    ["cannot be started", "gone", { gone: { argv: ["/nowhere/at/all"] } }, "The command gone could not be started on this agent."],
    ["writes a result that is no JSON", "text", { text: script('echo nope > "$CYBERUN_RESULT_FILE"') }, "The result file is no JSON."],
    ["writes a result that is too large", "large", { large: script('head -c 60000 /dev/zero > "$CYBERUN_RESULT_FILE"') }, "The result file is larger than 49152 bytes."],
    ["runs longer than its own row allows", "slow", { slow: script("sleep 1000", { timeout_seconds: 1 }) }, "The command ran longer than 1 seconds."],
  ];
  test.each(ends)("that %s fails the task and says so", async (_name, command, commands, error) => {
    start(commands);
    const task_id = await run(command);
    await until(() => isOver(task_id));
    expect(await resultOf(task_id)).toMatchObject({ task_status: "failed", task_error: error });
  });

  test("of another tool is refused for good", async () => {
    start({});
    await importWorkflow(site.gate, site.people.owner, { workflow_slug: "graph", display_name: "Graph" });
    const { task_id } = await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: "graph" });
    await until(() => isOver(task_id));
    expect((await resultOf(task_id)).task_error).toBe("This agent runs no workflows of the type comfyui: its own file says what it runs.");
  });

  test("that is cancelled ends with all that it started", async () => {
    const pidFile = join(folder.path, "pids");
    start({ tree: script(`sleep 1000 & echo $! > ${pidFile}; trap '' TERM; sleep 1000`) });
    const task_id = await run("tree");
    await until(() => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("\n"));
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(startOf(pid)).toBeDefined();
    await cancelTask(site.gate, site.people.owner, { task_id });
    await until(() => startOf(pid) === undefined);
    await until(() => readdirSync(join(folder.path, "agent", "attempts")).length === 0);
    expect(await statusOf(task_id)).toBe("cancelled");
  });
});

describe("an agent", () => {
  test("that is asked to drain finishes what it runs, takes nothing new, and leaves", async () => {
    const goFile = join(folder.path, "go");
    const { agent, settings } = start({ wait: script(`while [ ! -e ${goFile} ]; do sleep 0.05; done`) });
    const first = await run("wait");
    await until(async () => (await statusOf(first)) === "running");
    writeFileSync(join(settings.dataDir, "drain"), "");
    let hasLeft = false;
    void agent.whenLeft.then(() => (hasLeft = true));
    const list = async () => JSON.stringify((await site.call("/api/v1/agents", { as: (await site.credentials()).user })).body);
    await until(async () => (await list()).includes('"is_draining":true'));
    const second = await run("wait");
    writeFileSync(goFile, "");
    await until(() => hasLeft);
    expect([await statusOf(first), ["pending", "waiting"].includes(await statusOf(second))]).toEqual(["completed", true]);
  });

  test("that was killed names what it held, ends what still runs, and the task is run again at once", async () => {
    const pidFile = join(folder.path, "pid");
    const commands = { once: script(`if [ -e ${pidFile} ]; then echo again; else echo $$ > ${pidFile}; sleep 1000; fi`) };
    const first = start(commands);
    const task_id = await run("once", { max_retries: 1 });
    await until(() => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("\n"));
    const pid = Number(readFileSync(pidFile, "utf8"));
    await until(async () => (await statusOf(task_id)) === "running");
    first.agent.abandon();
    expect(startOf(pid)).toBeDefined();
    start(commands);
    await until(() => isOver(task_id));
    expect(startOf(pid)).toBeUndefined();
    expect(await readTask(site.gate, site.people.owner, { task_id })).toMatchObject({ task_status: "completed", attempt: 2, retry_count: 1 });
  });

  test("that was killed with a result which nobody had taken yet delivers it in its next life", async () => {
    const commands = { quick: script('echo done; echo \'"kept"\' > "$CYBERUN_RESULT_FILE"') };
    const { agent, settings } = start(commands, { between: cutting((direction, type) => (direction === "say" && (type === "log" || type === "result") ? "before" : undefined)) });
    const task_id = await run("quick");
    const resultPath = join(settings.dataDir, "attempts", `${task_id}.1`, "result.json");
    await until(() => existsSync(resultPath));
    agent.abandon();
    start(commands);
    await until(() => isOver(task_id));
    expect(await resultOf(task_id)).toMatchObject({ task_status: "completed", task_output: "kept" });
    expect(await logOf(task_id)).toBe("done\n");
    expect((await eventsOf(task_id)).filter(({ kind }) => kind === "completed")).toHaveLength(1);
  });

  test("runs on through the death of its gateway and ends the same attempt at the next one", async () => {
    const host = gatewayHost(site.world);
    hosts.push(host);
    const goFile = join(folder.path, "go");
    start({ wait: script(`echo one; while [ ! -e ${goFile} ]; do sleep 0.05; done; echo two`) }, { url: host.url });
    const task_id = await run("wait");
    await until(async () => (await logOf(task_id)) === "one\n");
    host.kill();
    writeFileSync(goFile, "");
    host.start();
    await until(() => isOver(task_id));
    expect(await readTask(site.gate, site.people.owner, { task_id })).toMatchObject({ task_status: "completed", attempt: 1, retry_count: 0 });
    expect(await logOf(task_id)).toBe("one\ntwo\n");
  });
});

test("a gateway that stops in good order burns no attempt: every agent and task is back at the next one within 15 s", async () => {
  const TASKS = 20;
  const { user } = await site.credentials();
  const host = gatewayHost(site.world);
  hosts.push(host);
  const goFile = join(folder.path, "go");
  start({ wait: script(`while [ ! -e ${goFile} ]; do sleep 0.5; done`) }, { url: host.url, capacity: TASKS });
  const tasks: string[] = [];
  for (let index = 0; index < TASKS; index += 1) tasks.push(await run("wait"));
  const running = async () => (await Promise.all(tasks.map(statusOf))).filter((status) => status === "running").length;
  await until(async () => (await running()) === TASKS);
  await host.stop();
  host.start();
  const since = site.world.services.clock.now();
  const list = async () => JSON.stringify((await site.call("/api/v1/agents", { as: user })).body);
  await until(async () => (await list()).includes('"running_count":20'));
  expect(site.world.services.clock.now() - since).toBeLessThan(15_000);
  writeFileSync(goFile, "");
  await until(async () => (await Promise.all(tasks.map(isOver))).every(Boolean));
  for (const task_id of tasks) expect(await readTask(site.gate, site.people.owner, { task_id })).toMatchObject({ task_status: "completed", attempt: 1, retry_count: 0 });
});

test("a hundred cuts during a task that writes much: the same attempt ends, and its log is what it wrote, byte for byte", async () => {
  const CUTS = 100;
  let cuts = 0;
  let frames = 0;
  const wanted = join(folder.path, "wanted");
  const between = cutting((_direction, type) => {
    if (type === "hello" || type === "welcome" || cuts >= CUTS) return undefined;
    frames += 1;
    if (frames % 3 !== 0) return undefined;
    cuts += 1;
    return cuts % 2 === 0 ? "before" : "after";
  });
  const services = { ...site.world.services, random: { ...site.world.services.random, fraction: () => 0.02 } };
  start({ chatty: script(`i=0; while [ $i -lt 12000 ]; do i=$((i+1)); echo "line $i: äöü 日本語 🙂 ${"x".repeat(80)}"; done | tee ${wanted}`) }, { between, services });
  const task_id = await run("chatty");
  await until(() => isOver(task_id));
  expect(await readTask(site.gate, site.people.owner, { task_id })).toMatchObject({ task_status: "completed", attempt: 1, retry_count: 0 });
  expect(cuts).toBe(CUTS);
  const log = await logOf(task_id);
  expect(log.length).toBeGreaterThan(1_000_000);
  expect(log === readFileSync(wanted, "utf8")).toBe(true);
});
