/** Tasks through the gateway over real sockets: offered, run, cancelled, resumed after cuts, fenced, and never another team's. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LEASE_MS } from "../../src/tasks/attempts.ts";
import { OFFER_MS } from "../../src/tasks/claim.ts";
import { POLL_MS } from "../../src/tasks/dispatch.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { readTaskEvents } from "../../src/tasks/events.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { readTask, readTaskResult } from "../../src/tasks/tasks.ts";
import { closeCodes } from "../../src/roles/gateway/close-codes.ts";
import { HELLO_MS } from "../../src/roles/gateway/connections.ts";
import { CHALLENGE_MS, SILENCE_MS_MAX } from "../../src/roles/gateway/sessions.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { eventually } from "../support/eventually.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";
import { attemptOf, connectAgent, dialAgent, helloOf } from "../support/socket-agent.ts";

let site: TestRoles;
let key: string;
beforeEach(async () => {
  site = await startRoles();
  key = (await addKey(site.gate, site.people.owner, "agent")).rawKey;
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work", max_retries: 3 });
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "gpu-work", display_name: "Work", required_labels: ["gpu"] });
});
afterEach(() => site.close());

const run = async (workflow_slug = "work") => (await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug, parameters: {} })).task_id;
const read = async (task_id: string) => await readTask(site.gate, site.people.owner, { task_id });
const advance = (ms: number) => site.world.services.clock.advance(ms);

/** Lets the gateway look around until it holds. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  await asTimePasses(site, POLL_MS, isTrue);
}

async function log(task_id: string): Promise<string> {
  const { events } = await readTaskEvents(site.gate, site.people.owner, { task_id, after: 0 });
  return events.filter(({ kind }) => kind === "log").map(({ content }) => JSON.parse(content).text).join("");
}

/** An agent that has taken a new task. */
async function busyAgent() {
  const agent = await connectAgent(site, key);
  const task_id = await run();
  await until(() => agent.frames.some(({ type }) => type === "offer"));
  const offer = await agent.take("offer");
  agent.say({ type: "accept", ...attemptOf(offer) });
  await eventually(async () => (await read(task_id)).task_status === "running");
  return { agent, task_id, attempt: attemptOf(offer) };
}

describe("a task", () => {
  test("is offered, runs, and ends with its log and result, each acknowledged", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    expect(attempt).toEqual({ task_id, attempt: 1 });
    agent.say({ type: "progress", ...attempt, progress: 0.5, step_current: 1, step_total: 2 });
    agent.say({ type: "log", ...attempt, offset: 0, stream: "stdout", text: "héllo\n" });
    expect(await agent.take("logged")).toMatchObject({ ...attempt, offset: 7 });
    agent.say({ type: "result", ...attempt, outcome: { kind: "completed", output: { image_count: 1 } } });
    expect(await agent.take("taken")).toMatchObject(attempt);
    expect(await readTaskResult(site.gate, site.people.owner, { task_id })).toMatchObject({ task_status: "completed", task_output: { image_count: 1 } });
    expect(await log(task_id)).toBe("héllo\n");
  });

  test("submitted through the API of the same process is offered without waiting for the poll", async () => {
    const agent = await connectAgent(site, key);
    const integration = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
    const { body } = await site.call("/api/v1/r/workflows/slug/work/run", { as: integration, json: {} });
    expect(await agent.take("offer")).toMatchObject({ task_id: body["task_id"], attempt: 1, workflow_slug: "work", answer_within_ms: OFFER_MS });
  });

  test("that is cancelled is stopped at the agent, and what it still says is fenced", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    await cancelTask(site.gate, site.people.owner, { task_id });
    await until(() => agent.frames.some(({ type }) => type === "stop"));
    expect(await agent.take("stop")).toMatchObject({ ...attempt, reason: "cancelled" });
    agent.say({ type: "result", ...attempt, outcome: { kind: "completed", output: 1 } });
    expect(await agent.take("stop")).toMatchObject({ ...attempt, reason: "stale" });
    expect((await read(task_id)).task_status).toBe("cancelled");
  });

  test("that is declined, or not answered, is offered again with another attempt", async () => {
    const agent = await connectAgent(site, key);
    // Time may pass faster than the store answers, and an agent that says nothing is cut.
    const isOffered = () => {
      agent.send({ type: "ping", sequence: 1 });
      return agent.frames.some(({ type }) => type === "offer");
    };
    const task_id = await run();
    await until(isOffered);
    agent.say({ type: "decline", ...attemptOf(await agent.take("offer")), reason: "no room" });
    await until(isOffered);
    expect(await agent.take("offer")).toMatchObject({ task_id, attempt: 2 });
    agent.send({ type: "ping", sequence: 1 });
    advance(OFFER_MS);
    await until(isOffered);
    expect(await agent.take("offer")).toMatchObject({ task_id, attempt: 3 });
    expect(await read(task_id)).toMatchObject({ retry_count: 0 });
  });

  test("waits with its reason: nobody there, missing labels, all busy; and is offered when that ends", async () => {
    const reasonOf = async (task_id: string) => (await read(task_id)).waiting_reason?.code;
    const first = await run("gpu-work");
    await until(async () => (await reasonOf(first)) === "no_agent");
    const plain = await connectAgent(site, key, { agent_id: "plain" });
    await until(async () => (await reasonOf(first)) === "labels");
    expect(plain.frames.filter(({ type }) => type === "offer")).toEqual([]);
    plain.close();
    const gpu = await connectAgent(site, key, { agent_id: "gpu", labels: ["gpu", "cuda"] });
    const offer = await gpu.take("offer");
    expect(offer).toMatchObject({ task_id: first });
    const second = await run("gpu-work");
    await until(async () => (await reasonOf(second)) === "agents_busy");
    gpu.say({ type: "status", agent_status: "syncing", sync_phase: "downloading", sync_percent: 45 });
    await until(async () => (await reasonOf(second)) === "agents_unavailable");
    gpu.say({ type: "accept", ...attemptOf(offer) });
    gpu.say({ type: "result", ...attemptOf(offer), outcome: { kind: "completed", output: 1 } });
    await gpu.take("taken");
    expect(gpu.frames.filter(({ type }) => type === "offer")).toEqual([]);
    gpu.say({ type: "status", agent_status: "idle" });
    expect(await gpu.take("offer")).toMatchObject({ task_id: second });
  });
});

describe("teams are apart", () => {
  test("an agent is never offered the task of another team, nor can it speak of it", async () => {
    const other = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
    const stranger = await connectAgent(site, (await addKey(site.gate, other, "agent")).rawKey, { agent_id: "node-1" });
    const { agent, task_id, attempt } = await busyAgent();
    for (let round = 0; round < 10; round += 1) {
      advance(POLL_MS);
      await read(task_id);
    }
    for (const word of [
      { type: "accept", ...attempt },
      { type: "progress", ...attempt, progress: 1 },
      { type: "log", ...attempt, offset: 0, stream: "stdout", text: "x" },
      { type: "result", ...attempt, outcome: { kind: "completed", output: 1 } },
    ]) {
      stranger.say(word);
      expect(await stranger.take("stop")).toMatchObject({ ...attempt, reason: "stale" });
    }
    stranger.say({ type: "decline", ...attempt, reason: "mine" });
    expect(stranger.frames.filter(({ type }) => type === "offer")).toEqual([]);
    const claimed = await connectAgent(site, (await addKey(site.gate, other, "agent")).rawKey, { agent_id: "node-2", holds: [{ ...attempt, log_offset: 0 }] });
    expect(claimed.welcome).toMatchObject({ keep: [], stop: [attempt] });
    agent.say({ type: "result", ...attempt, outcome: { kind: "completed", output: "ours" } });
    await agent.take("taken");
    expect(await readTaskResult(site.gate, site.people.owner, { task_id })).toMatchObject({ task_output: "ours" });
    expect(await log(task_id)).toBe("");
  });
});

describe("after a cut", () => {
  test("the session goes on: what each side missed is sent again, once", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    const session_id = agent.welcome["session_id"];
    agent.close();
    await agent.ended;
    // Two that the gateway has not heard, one of which it has by the time of the second cut.
    const lost = { type: "log", ...attempt, offset: 0, stream: "stdout", text: "one\n" };
    const back = await connectAgent(site, key, { resume: { session_id, ack: agent.received() }, holds: [{ ...attempt, log_offset: 0 }] }, agent);
    expect(back.welcome).toMatchObject({ session_id, resumed: true, ack: agent.sent(), keep: [], stop: [] });
    const sent = back.say(lost);
    back.send(sent);
    expect(await back.take("logged")).toMatchObject({ offset: 4 });
    back.close();
    await back.ended;
    const again = await connectAgent(site, key, { resume: { session_id, ack: back.received() - 1 }, holds: [] }, back);
    expect(again.welcome).toMatchObject({ session_id, resumed: true });
    expect(await again.take("logged")).toMatchObject({ offset: 4, seq: back.received() });
    expect(await log(task_id)).toBe("one\n");
    expect(await read(task_id)).toMatchObject({ task_status: "running", attempt: 1 });
  });

  test("without the session, what the agent holds is compared: kept where its log ends, or stopped", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    agent.say({ type: "log", ...attempt, offset: 0, stream: "stdout", text: "abc" });
    await agent.take("logged");
    agent.close();
    await agent.ended;
    const stale = { task_id, attempt: 7 };
    const back = await connectAgent(site, key, { replaces: String(agent.welcome["session_id"]), holds: [{ ...attempt, log_offset: 0 }, { ...stale, log_offset: 0 }] });
    expect(back.welcome).toMatchObject({ resumed: false, ack: 0, keep: [{ ...attempt, log_offset: 3 }] });
    back.say({ type: "result", ...attempt, outcome: { kind: "completed", output: 1 } });
    await back.take("taken");
    expect(await read(task_id)).toMatchObject({ task_status: "completed", attempt: 1 });
  });

  test("an agent that comes back without what it held loses it at once, not only after its lease", async () => {
    const { agent, task_id } = await busyAgent();
    agent.close();
    await agent.ended;
    await connectAgent(site, key, { replaces: String(agent.welcome["session_id"]) });
    expect(await read(task_id)).toMatchObject({ task_status: "waiting", retry_count: 1 });
  });

  test("an agent that never comes back: its task is offered elsewhere after the lease, and the first result there counts", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    agent.close();
    await agent.ended;
    const other = await connectAgent(site, key, { agent_id: "node-2" });
    const since = site.world.services.clock.now();
    await until(() => {
      other.send({ type: "ping", sequence: 1 });
      return other.frames.some(({ type }) => type === "offer");
    });
    expect(site.world.services.clock.now() - since).toBeLessThan(LEASE_MS + 10_000);
    const offer = await other.take("offer");
    expect(offer).toMatchObject({ task_id, attempt: 2 });
    const late = await connectAgent(site, key, { holds: [{ ...attempt, log_offset: 0 }] });
    expect(late.welcome).toMatchObject({ keep: [], stop: [attempt] });
  });

  test("a peer whose packets are swallowed is noticed by its silence, and its task goes elsewhere within 40 s", async () => {
    const { agent, task_id } = await busyAgent();
    const other = await connectAgent(site, key, { agent_id: "node-2" });
    const since = site.world.services.clock.now();
    await until(() => {
      other.send({ type: "ping", sequence: 1 });
      return agent.isEnded();
    });
    expect(await agent.ended).toMatchObject({ code: closeCodes.silent });
    const noticedMs = site.world.services.clock.now() - since;
    expect([noticedMs >= SILENCE_MS_MAX, noticedMs < 25_000]).toEqual([true, true]);
    // In small steps, so that what the store takes of the real time is little of the test's.
    advance(Math.max(0, LEASE_MS - noticedMs));
    await asTimePasses(site, POLL_MS / 10, () => {
      other.send({ type: "ping", sequence: 1 });
      return other.frames.some(({ type }) => type === "offer");
    });
    expect(await other.take("offer")).toMatchObject({ task_id, attempt: 2 });
    expect(site.world.services.clock.now() - since).toBeLessThan(40_000);
  });

  test("frames that leave a gap end the session, and nothing of them is taken", async () => {
    const { agent, task_id, attempt } = await busyAgent();
    agent.send({ type: "result", ...attempt, outcome: { kind: "completed", output: 1 }, seq: agent.sent() + 2, ack: 0 });
    expect(await agent.ended).toMatchObject({ code: closeCodes.protocol });
    expect((await read(task_id)).task_status).toBe("running");
  });
});

describe("who may connect", () => {
  test("says hello in time, and in this protocol", async () => {
    const silent = await dialAgent(site, key);
    silent.send({ type: "ping", sequence: 1 });
    expect(await silent.take("error")).toMatchObject({ error_code: "invalid_request" });
    const later = await dialAgent(site, key);
    later.send(helloOf({ protocol: 2 }));
    expect(await later.take("error")).toMatchObject({ error_message: "This gateway speaks protocol 1, and the agent 2." });
    expect(await later.ended).toMatchObject({ code: closeCodes.protocol });
    advance(HELLO_MS);
    expect(await silent.ended).toMatchObject({ code: closeCodes.silent });
  });

  test("one agent of a name: the older keeps it when it answers the challenge, and is replaced when it does not", async () => {
    const older = await connectAgent(site, key);
    const newer = await dialAgent(site, key);
    newer.send(helloOf());
    expect(await older.take("ping")).toMatchObject({ sequence: 0 });
    older.send({ type: "pong", sequence: 0 });
    expect(await newer.ended).toMatchObject({ code: closeCodes.duplicate });
    const third = await dialAgent(site, key);
    third.send(helloOf());
    await older.take("ping");
    advance(CHALLENGE_MS);
    expect(await third.take("welcome")).toMatchObject({ resumed: false });
    expect(await older.ended).toMatchObject({ code: closeCodes.replaced });
    expect(site.logged.filter((line) => line.includes("agent.replaced") || line.includes("agent.duplicate_refused"))).toHaveLength(2);
  });

  test("is within the caps of team and deployment; a place that is left can be taken at once", async () => {
    const { user } = await site.credentials();
    site.license({ quotas: { team: { max_agents: 1 } } });
    const first = await connectAgent(site, key);
    const second = await dialAgent(site, key);
    second.send(helloOf({ agent_id: "node-2" }));
    expect(await second.take("error")).toMatchObject({ error_code: "quota_exceeded" });
    expect(await second.ended).toMatchObject({ code: closeCodes.quota });
    first.close();
    const list = async () => (await site.call("/api/v1/agents", { as: user })).body["page_meta"];
    await eventually(async () => JSON.stringify(await list()).includes('"total_count":0'));
    await connectAgent(site, key, { agent_id: "node-2" });
  });
});

test("the team sees its agents as they are: labels, status, what they run", async () => {
  const credentials = await site.credentials();
  const agent = await connectAgent(site, key, { agent_id: "gpu-1", labels: ["gpu", "a100"], capacity: 4 });
  const task_id = await run();
  await until(() => agent.frames.some(({ type }) => type === "offer"));
  agent.say({ type: "accept", ...attemptOf(await agent.take("offer")) });
  agent.say({ type: "status", agent_status: "idle", system_stats: { comfyui_version: "0.3.13", gpu_devices: [{ device_name: "A100", device_type: "cuda", vram_total: 8, vram_free: 4 }] } });
  await eventually(async () => (await read(task_id)).task_status === "running");
  const shown = { agent_id: "gpu-1", agent_status: "busy", agent_labels: ["a100", "gpu"], agent_version: "1.0.0", gpu_capacity: 4, running_count: 1, running_tasks: [task_id], current_task_id: task_id, tasks_completed: 0 };
  for (const [path, as] of [["/api/v1/agents", credentials.user], ["/api/v1/r/agents", credentials.integration]] as const) {
    await eventually(async () => JSON.stringify((await site.call(path, { as })).body).includes("0.3.13"));
    const { status, body } = await site.call(path, { as });
    expect([status, body]).toMatchObject([200, { agent_list: [shown], page_meta: { total_count: 1 } }]);
    expect(JSON.stringify(body)).not.toContain("session");
  }
  const outsider = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
  const foreign = bearer((await addKey(site.gate, outsider, "integration")).rawKey);
  expect((await site.call("/api/v1/r/agents", { as: foreign })).body).toMatchObject({ agent_list: [], page_meta: { total_count: 0 } });
});
