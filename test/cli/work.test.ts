/** `cyberun workflows`, `run`, `tasks`, `files` and `agents` against a real API server and gateway, with an agent that works. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { POLL_MS } from "../../src/tasks/dispatch.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { addKey } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { attemptOf, connectAgent, type Frame } from "../support/socket-agent.ts";

let site: TestRoles;
let cli: PeopleCommands;
let folder: string;
let pings = 0;
let agent: Awaited<ReturnType<typeof connectAgent>>;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
  folder = mkdtempSync(join(tmpdir(), "cyberun-work-"));
  const parameters = [{ key: "seed", type: "integer", default: 1 }, { key: "is_fast", type: "boolean" }, { key: "prompt", type: "string" }, { key: "image", type: "file" }];
  writeFileSync(join(folder, "render.json"), JSON.stringify({ workflow_slug: "render", display_name: "Render", tool_type: "command", workflow_json: { command: "render" }, parameters }));
  expect((await cli.device(["workflows", "import", join(folder, "render.json")])).exit).toBe(0);
  agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey, { agent_id: "desk", labels: ["cpu"], capacity: 8 });
});
afterAll(async () => {
  agent.close();
  await site.close();
  rmSync(folder, { recursive: true });
});

/** Lets time go on, and the agent be heard of meanwhile. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await asTimePasses(site, POLL_MS, async () => {
    agent.send({ type: "ping", sequence: (pings += 1) });
    return await isTrue();
  });
}

/** What a command that waits ends in; time goes on meanwhile. */
async function ended<Value>(waited: Promise<Value>): Promise<Value> {
  let isOver = false;
  void waited.finally(() => (isOver = true));
  await until(() => isOver);
  return await waited;
}

/** The next task, accepted. */
async function accepted(): Promise<Frame> {
  await until(() => agent.frames.some(({ type }) => type === "offer"));
  const offer = await agent.take("offer");
  agent.say({ type: "accept", ...attemptOf(offer) });
  return offer;
}

const end = (offer: Frame, outcome: object) => agent.say({ type: "result", ...attemptOf(offer), outcome });

test("workflows are listed and shown with what they take", async () => {
  expect((await cli.plain(["workflows", "list"])).out).toMatch(/^SLUG +NAME +TOOL +STATUS +VERSION +CHANGED\nrender +Render +command +active +1 +\S+ \S+\n$/);
  const shown = (await cli.plain(["workflows", "show", "render"])).out;
  expect(shown).toMatch(/workflow_slug: render\n[^]*PARAMETER +TYPE +REQUIRED +DEFAULT +LABEL\nseed +integer +no +1 +-\n/);
  for (const slug of ["../teams", "Render", "a/b"]) expect(await cli.device(["workflows", "show", slug])).toMatchObject({ exit: 2, out: "" });
  expect((await cli.device(["workflows", "show", "nothing"])).exit).toBe(5);
});

test("a run sends its file, waits with the log, and ends as the task does", async () => {
  writeFileSync(join(folder, "in.png"), "an image");
  const waited = cli.device(["run", "render", "seed=7", "is_fast=true", "prompt=a=b", `image=@${join(folder, "in.png")}`, "--wait"]);
  const offer = await accepted();
  expect(offer["parameters"]).toEqual({ seed: 7, is_fast: true, prompt: "a=b", image: expect.stringMatching(/^inputs\/.*\/in\.png$/) });
  agent.say({ type: "log", ...attemptOf(offer), offset: 0, stream: "stdout", text: "half \u001b[31mdone\n" });
  await agent.take("logged");
  end(offer, { kind: "completed", output: { frames: 3 } });
  const { exit, body, err } = await ended(waited);
  expect([exit, body]).toMatchObject([0, { schema_version: 1, id: offer["task_id"], task_status: "completed", task_output: { frames: 3 } }]);
  expect(err).toContain("half [31mdone\n");
  const key = String(Object(offer["parameters"])["image"]);
  const out = join(folder, "back.png");
  expect((await cli.plain(["files", "download", key, "--out", out])).out).toBe(`The file is in ${out}.\n`);
  expect(readFileSync(out, "utf8")).toBe("an image");
  expect((await cli.device(["files", "download", key, "--out", out])).exit).toBe(6);
});

test("a person at a terminal sees how far a task is, and a pipe its log alone", async () => {
  const follow = async (answers: { readonly typed?: readonly string[] }) => {
    const waited = cli.device(["run", "render", "--wait"], answers);
    const offer = await accepted();
    agent.say({ type: "progress", ...attemptOf(offer), progress: 0.5, message: "half\u001b[31m" });
    agent.say({ type: "log", ...attemptOf(offer), offset: 0, stream: "stdout", text: "a line\n" });
    await agent.take("logged");
    end(offer, { kind: "completed", output: {} });
    return (await ended(waited)).err;
  };
  const seen = await follow({ typed: [] });
  expect(seen).toContain("cyberun: the task is running\n");
  expect(seen).toContain("cyberun: 50 % half");
  expect(seen).not.toContain("\u001b");
  expect(await follow({})).toMatch(/^cyberun: the task is [0-9a-f-]{36}\na line\n$/);
});

test("a task that fails is told by the exit code, and a cancelled one too", async () => {
  const failing = cli.plain(["run", "render", "--wait"]);
  end(await accepted(), { kind: "failed", error: "out of memory", is_retryable: false });
  const failed = await ended(failing);
  expect([failed.exit, failed.out]).toEqual([9, expect.stringMatching(/^The task \S+ is failed\.\ntask_error: out of memory\n$/)]);
  const submitted = await cli.device(["run", "render", "--once", "night-42"]);
  expect((await cli.device(["run", "render", "--once", "night-42"])).body).toEqual(submitted.body);
  const id = String(submitted.body["task_id"]);
  const following = cli.device(["tasks", "follow", id]);
  await accepted();
  expect((await cli.plain(["tasks", "show", id])).out).toContain("agent_id: desk\n");
  expect((await cli.plain(["agents", "list"])).out).toMatch(/AGENT[^\n]*\ndesk +\S+ +\d+ +cpu /);
  expect((await cli.device(["tasks", "cancel", id])).exit).toBe(0);
  expect(await ended(following)).toMatchObject({ exit: 9, body: { task_status: "cancelled" } });
  expect((await cli.device(["tasks", "result", id])).exit).toBe(0);
  expect((await cli.device(["tasks", "list", "--status", "cancelled"])).body["task_list"]).toMatchObject([{ id }]);
});

test("who follows goes on behind a cut, without a gap and without a repeat", async () => {
  const id = String((await cli.device(["run", "render"])).body["task_id"]);
  const offer = await accepted();
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  const { services } = site.world;
  let streams = 0;
  const cutting: typeof services.fetch = async (url, init) => {
    const response = await services.fetch(url, init);
    if (!String(url).endsWith("/events") || (streams += 1) > 5 || response.body === null) return response;
    const reader = response.body.getReader();
    let seen = 0;
    // A link that breaks in the middle of an event.
    return new Response(new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value } = await reader.read();
        if ((seen += 1) > 2 || value === undefined) return controller.error(new Error("cut"));
        controller.enqueue(seen === 2 ? value.subarray(0, value.length - 9) : value);
      },
      cancel: (reason) => reader.cancel(reason),
    }), response);
  };
  const following = cli.plain(["tasks", "follow", id], { services: { ...services, fetch: cutting } });
  let offset = 0;
  for (const text of lines) {
    agent.say({ type: "log", ...attemptOf(offer), offset, stream: "stdout", text });
    offset += text.length;
    await agent.take("logged");
    site.world.services.clock.advance(1_000);
  }
  end(offer, { kind: "completed", output: null });
  const { exit, err } = await ended(following);
  expect([exit, err.split("\n").filter((line) => line.startsWith("line")).map((line) => `${line}\n`)]).toEqual([0, lines]);
  expect(streams).toBeGreaterThan(3);
});

test("wrong words change nothing and say what would be right", async () => {
  const before = (await cli.device(["tasks", "list"])).body["page_meta"];
  expect((await cli.device(["run"])).error["message"]).toBe("SLUG is missing.");
  for (const words of [["run", "render", "seed"], ["run", "render", "seed=x"], ["run", "render", "other=1"], ["run", "render", "image=@/nowhere"], ["run", "render", "--parameters-file", join(folder, "in.png")], ["tasks", "show", "../teams"]]) {
    const { exit, out, error } = await cli.device(words);
    expect([words.join(" "), exit === 2 || exit === 5, out, typeof error["message"]]).toEqual([words.join(" "), true, "", "string"]);
  }
  expect((await cli.device(["files", "upload", folder])).exit).toBe(2);
  expect((await cli.device(["tasks", "list"])).body["page_meta"]).toEqual(before);
});

test("a workflow goes when it is meant", async () => {
  expect((await cli.device(["workflows", "delete", "render"])).exit).toBe(2);
  expect((await cli.device(["workflows", "delete", "render", "--yes"])).exit).toBe(0);
  expect((await cli.plain(["workflows", "list"])).out).toBe("The team has no workflow.\n");
});
