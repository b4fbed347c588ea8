/** The files of attempts, through the reference agent: real gateway and API over real sockets, real commands. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTransfers, DiskFailure, Refused, type Transfers } from "../../src/agent/transfers.ts";
import { Secret } from "../../src/secret.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type CommandAgentOptions, cutting, script, startAgent } from "../support/command-agent.ts";
import { temporaryFolder } from "../support/folder.ts";
import { paced } from "../support/paced.ts";
import { addKey } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

const FACTOR = 5;
let site: TestRoles;
let folder: ReturnType<typeof temporaryFolder>;
let key: string;
let as: Shown;
const started: ReturnType<typeof startAgent>[] = [];

beforeEach(async () => {
  site = await startRoles();
  folder = temporaryFolder();
  key = (await addKey(site.gate, site.people.owner, "agent")).rawKey;
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
});
afterEach(async () => {
  for (const { agent } of started.splice(0)) agent.abandon();
  await site.close();
  folder[Symbol.dispose]();
});

const until = async (isTrue: () => boolean | Promise<boolean>) => await paced(site.world.services.clock, FACTOR, isTrue);
const bytes = new Uint8Array(3_000_000).map((_, index) => (index * index) % 251);

function start(command: string, changes: Partial<CommandAgentOptions> = {}) {
  const agent = startAgent({ services: site.world.services, folder: folder.path, url: () => site.urls.gateway, rawKey: key, commands: { work: script(command) }, ...changes });
  started.push(agent);
  return agent;
}

async function addInput(): Promise<string> {
  const { body } = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "in put.png", file_size: bytes.length, content_type: "image/png" } });
  const sent = await fetch(String(body["upload_url"]), { method: "PUT", headers: JSON.parse(JSON.stringify(body["upload_headers"])), body: bytes });
  expect(sent.status).toBe(204);
  return String(body["file_key"]);
}

async function run(parameters: Record<string, unknown> = {}): Promise<string> {
  const declared = [{ key: "image", type: "file" as const }, { key: "text", type: "string" as const }];
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work", tool_type: "command", workflow_json: { command: "work" }, parameters: declared, max_retries: 2 });
  return String((await site.call("/api/v1/r/workflows/slug/work/run", { as, json: { parameters } })).body["task_id"]);
}

const result = async (task_id: string) => (await site.call(`/api/v1/r/tasks/${task_id}/result`, { as })).body;

async function ended(task_id: string) {
  await until(async () => ["completed", "failed", "cancelled"].includes(String((await result(task_id))["task_status"])));
  return await result(task_id);
}

async function downloaded({ download_urls }: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, Uint8Array>>> {
  const links: [string, string][] = Object.entries(JSON.parse(JSON.stringify(download_urls ?? {})));
  return Object.fromEntries(await Promise.all(links.map(async ([name, url]) => [name, new Uint8Array(await (await fetch(url)).arrayBuffer())] as const)));
}

test("a run's file comes to the command as a path, and what it leaves behind to the caller, byte for byte", async () => {
  start('cp "$CYBERUN_PARAM_IMAGE" "$CYBERUN_OUTPUTS_DIR/copy.png"; mkdir "$CYBERUN_OUTPUTS_DIR/sub"; printf hi > "$CYBERUN_OUTPUTS_DIR/sub/b c.txt"; ln -s /etc/passwd "$CYBERUN_OUTPUTS_DIR/link"; cat "$CYBERUN_PARAMETERS_FILE" > "$CYBERUN_RESULT_FILE"');
  const done = await ended(await run({ image: await addInput(), text: "plain" }));
  expect([done["task_status"], Object(done["task_output"])["text"]]).toEqual(["completed", "plain"]);
  expect(String(Object(done["task_output"])["image"])).toMatch(/\/attempts\/[^/]+\/inputs\/0\/in-put\.png$/);
  const files = await downloaded(done);
  expect(Object.keys(files).toSorted()).toEqual(["copy.png", "sub:b_c.txt"]);
  expect([files["copy.png"], files["sub:b_c.txt"]]).toEqual([bytes, new TextEncoder().encode("hi")]);
});

test("a text that looks like a key and is none stays what it is", async () => {
  const text = `inputs/${crypto.randomUUID()}/${crypto.randomUUID()}/x.png`;
  start('cat "$CYBERUN_PARAMETERS_FILE" > "$CYBERUN_RESULT_FILE"');
  expect((await ended(await run({ text })))["task_output"]).toEqual({ text });
});

test("a command that fails leaves nothing behind", async () => {
  start('echo x > "$CYBERUN_OUTPUTS_DIR/x"; exit 3');
  const done = await ended(await run());
  expect([done["task_status"], done["download_urls"]]).toEqual(["failed", null]);
});

test("a command that removes its folder for outputs, or leaves one that cannot be read, is told apart", async () => {
  start('rm -r "$CYBERUN_OUTPUTS_DIR"');
  expect((await ended(await run()))["task_status"]).toBe("completed");
  for (const { agent } of started.splice(0)) agent.abandon();
  start('rm -r "$CYBERUN_OUTPUTS_DIR"; echo x > "$CYBERUN_OUTPUTS_DIR"', { agentId: "node-2" });
  expect(await ended(await run())).toMatchObject({ task_status: "failed", task_error: "The files of the attempt could not be read or written on this agent." });
});

test("more files than are taken fail the task for good, and say so", async () => {
  start('cd "$CYBERUN_OUTPUTS_DIR"; seq 1001 | xargs touch');
  const done = await ended(await run());
  expect(done).toMatchObject({ task_status: "failed", task_error: "A file was refused: The command left 1001 files behind; at most 1000 are taken." });
});

test("a link that is cut while files go costs nothing: the same attempt ends", async () => {
  let cuts = 3;
  const between = cutting((direction, type) => (direction === "hear" && type === "logged" && cuts-- > 0 ? "after" : undefined));
  start('echo begin; sleep 0.1; cp "$CYBERUN_PARAM_IMAGE" "$CYBERUN_OUTPUTS_DIR/a"; echo half; sleep 0.1; echo end', { between });
  const task_id = await run({ image: await addInput() });
  const done = await ended(task_id);
  expect([done["task_status"], (await downloaded(done))["a"]]).toEqual(["completed", bytes]);
  expect((await site.call(`/api/v1/r/tasks/${task_id}`, { as })).body["attempt"]).toBe(1);
  expect(cuts).toBeLessThan(1);
});

test("an agent that is killed between the command's end and the last output sends the rest in its next life, and runs nothing twice", async () => {
  const ran = join(folder.path, "ran");
  const command = `echo ran >> ${ran}; for name in a b c; do echo $name > "$CYBERUN_OUTPUTS_DIR/$name"; done`;
  const stuck = (transfers: Transfers): Transfers => ({
    fetchInput: (...given) => transfers.fetchInput(...given),
    sendOutput: async (held, output, signal) => {
      if (output.name === "b") throw new Error("the network is gone");
      await transfers.sendOutput(held, output, signal);
    },
  });
  const first = start(command, { moving: stuck });
  const task_id = await run();
  await until(() => existsSync(join(folder.path, "agent", "attempts", `${task_id}.1`, "ended.json")));
  first.agent.abandon();
  start(command);
  const files = await downloaded(await ended(task_id));
  expect(Object.entries(files).map(([name, text]) => [name, new TextDecoder().decode(text)]).toSorted()).toEqual([["a", "a\n"], ["b", "b\n"], ["c", "c\n"]]);
  expect([readFileSync(ran, "utf8"), (await site.call(`/api/v1/r/tasks/${task_id}`, { as })).body["attempt"]]).toEqual(["ran\n", 1]);
});

test("an attempt that is cancelled while its files go is forgotten with all that it brought", async () => {
  const hangs = (transfers: Transfers): Transfers => ({
    fetchInput: (_held, _key, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    sendOutput: (...given) => transfers.sendOutput(...given),
  });
  start("true", { moving: hangs });
  const task_id = await run({ image: await addInput() });
  const attempt = join(folder.path, "agent", "attempts", `${task_id}.1`);
  await until(() => existsSync(join(attempt, "inputs")));
  await site.call(`/api/v1/r/tasks/${task_id}/cancel`, { as, method: "POST" });
  await until(() => !existsSync(attempt));
  expect((await result(task_id))["task_status"]).toBe("cancelled");
});

test("an agent that is stopped while files come to it gives the attempt back, to be retried elsewhere", async () => {
  const waits = (transfers: Transfers): Transfers => ({
    fetchInput: (_held, _key, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    sendOutput: (...given) => transfers.sendOutput(...given),
  });
  const { agent } = start("true", { moving: waits });
  const task_id = await run({ image: await addInput() });
  await until(() => existsSync(join(folder.path, "agent", "attempts", `${task_id}.1`, "inputs")));
  agent.stop();
  let hasLeft = false;
  void agent.whenLeft.then(() => (hasLeft = true));
  await until(() => hasLeft);
  const { body } = await site.call(`/api/v1/r/tasks/${task_id}`, { as });
  expect([body["task_status"], body["retry_count"]]).toEqual(["waiting", 1]);
});

test("a file that is never what was promised fails the task, and does not hold the agent for ever", async () => {
  const refuses = (transfers: Transfers): Transfers => ({
    fetchInput: () => Promise.reject(new Refused("The file did not arrive as it was promised.", true)),
    sendOutput: (...given) => transfers.sendOutput(...given),
  });
  start("true", { moving: refuses });
  expect((await ended(await run({ image: await addInput() })))["task_error"]).toBe("A file was refused: The file did not arrive as it was promised.");
});

test("an output that is gone before it was sent fails the attempt at once", async () => {
  const transfers = createTransfers({ gatewayUrl: () => site.urls.gateway, key: new Secret(key), caFile: undefined }, site.world.services);
  const gone = { outputId: "o", path: join(folder.path, "gone"), name: "gone", size: 1 };
  await expect(transfers.sendOutput({ taskId: "t", attempt: 1, sessionId: "s" }, gone, new AbortController().signal)).rejects.toBeInstanceOf(DiskFailure);
  const into = { path: join(folder.path, "no", "such", "folder"), signal: new AbortController().signal };
  await using gateway = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request, server) => (request.method === "POST" ? Response.json({ file_size: 1, sha256: null, download_url: server.url.href }) : new Response("x")) });
  const local = createTransfers({ gatewayUrl: () => gateway.url.origin, key: new Secret(key), caFile: undefined }, site.world.services);
  await expect(local.fetchInput({ taskId: "t", attempt: 1, sessionId: "s" }, "k", into)).rejects.toBeInstanceOf(DiskFailure);
});

test("bytes that are not those of the file are not handed to the command", async () => {
  const path = join(folder.path, "in");
  const input = { file_size: 5, sha256: new Bun.CryptoHasher("sha256").update("right").digest("hex") };
  let body = "right";
  await using gateway = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url, headers }, server) => {
      if (!url.endsWith("/inputs")) return headers.has("authorization") ? new Response("no", { status: 400 }) : new Response(body);
      return Response.json({ ...input, download_url: new URL("/bytes", server.url).href });
    },
  });
  const transfers = createTransfers({ gatewayUrl: () => gateway.url.origin, key: new Secret("ak-test"), caFile: undefined }, site.world.services);
  const fetched = async () => await transfers.fetchInput({ taskId: "t", attempt: 1, sessionId: "s" }, "key", { path, signal: new AbortController().signal });
  expect([await fetched(), readFileSync(path, "utf8")]).toEqual([true, "right"]);
  for (body of ["wrong", "righ", "right and more"]) await expect(fetched()).rejects.toThrow(/^The file/);
});

test("what is refused for good is told from what may pass", async () => {
  let status = 400;
  await using gateway = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ error_message: "No." }, { status }) });
  const transfers = createTransfers({ gatewayUrl: () => gateway.url.origin, key: new Secret("ak-test"), caFile: undefined }, site.world.services);
  const path = join(folder.path, "out");
  writeFileSync(path, "x");
  const refusal = async () => await transfers.sendOutput({ taskId: "t", attempt: 1, sessionId: "s" }, { outputId: "o", path, name: "o", size: 1 }, new AbortController().signal).catch((error: unknown) => error);
  const found: unknown[] = [];
  for (status of [400, 404, 413, 409, 429, 503]) {
    const error = await refusal();
    found.push([status, error instanceof Refused ? error.mayPass : "passes"]);
  }
  expect(found).toEqual([[400, false], [404, false], [413, false], [409, true], [429, "passes"], [503, "passes"]]);
});
