/** Files of attempts over real sockets: what a run is given reaches its agent, what the agent makes reaches the caller, and nobody else's do. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { sweepFiles } from "../../src/files/files.ts";
import { DiskShelf } from "../../src/files/disk-shelf.ts";
import { system } from "../../src/gate/caller.ts";
import { LEASE_MS } from "../../src/tasks/attempts.ts";
import { POLL_MS } from "../../src/tasks/dispatch.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { eventually } from "../support/eventually.ts";
import { asTimePasses } from "../support/passing-time.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";
import { attemptOf, connectAgent, type Frame, type SocketAgent } from "../support/socket-agent.ts";

let site: TestRoles;
let key: string;
let as: Shown;
beforeEach(async () => {
  site = await startRoles();
  key = (await addKey(site.gate, site.people.owner, "agent")).rawKey;
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  const parameters = [{ key: "image", type: "file", accept: ["image/*", ".dat"] }] as const;
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work", parameters: [...parameters], max_retries: 3 });
});
afterEach(() => site.close());

const DAY = 86_400_000;
const bytes = new Uint8Array(100_000).map((_, index) => index * 7);
const advance = (ms: number) => site.world.services.clock.advance(ms);

async function send({ upload_url, upload_headers }: Record<string, unknown>): Promise<number> {
  return (await fetch(String(upload_url), { method: "PUT", headers: JSON.parse(JSON.stringify(upload_headers)), body: bytes })).status;
}

/** An input of the team, sent. */
async function addInput(changes: object = {}): Promise<string> {
  const { body } = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "in.png", file_size: bytes.length, content_type: "image/png", ...changes } });
  expect(await send(body)).toBe(204);
  return String(body["file_key"]);
}

const run = async (file_key?: string) => await site.call("/api/v1/r/workflows/slug/work/run", { as, json: { parameters: file_key === undefined ? {} : { image: file_key } } });
const result = async (task_id: unknown) => (await site.call(`/api/v1/r/tasks/${String(task_id)}/result`, { as })).body;

/** An agent that runs a new task. */
async function working(file_key?: string) {
  const agent = await connectAgent(site, key);
  const { body } = await run(file_key);
  return { agent, session_id: String(agent.welcome["session_id"]), ...(await takeOffer(agent)), task_id: body["task_id"] };
}

async function takeOffer(agent: SocketAgent): Promise<{ readonly offer: Frame }> {
  await asTimePasses(site, POLL_MS, () => agent.frames.some(({ type }) => type === "offer"));
  const offer = await agent.take("offer");
  agent.say({ type: "accept", ...attemptOf(offer) });
  await eventually(async () => (await site.call(`/api/v1/r/tasks/${String(offer["task_id"])}`, { as })).body["task_status"] === "running");
  return { offer };
}

/** Asks the gateway about files, as an agent does. */
async function ask(what: "inputs" | "outputs", { offer, session_id }: { readonly offer: Frame; readonly session_id: string }, body: object, shown: Shown = bearer(key)) {
  const { task_id, attempt } = attemptOf(offer);
  return await site.call(`/v1/tasks/${String(task_id)}/attempts/${String(attempt)}/${what}`, { role: "gateway", as: shown, json: { session_id, ...body } });
}

const anOutput = { output_id: "9.images.0", file_name: "out.png", file_size: bytes.length, content_type: "image/png" };

test("a run's file reaches its agent, and what the agent makes reaches the caller, byte for byte", async () => {
  const file_key = await addInput();
  const work = await working(file_key);
  expect(work.offer["parameters"]).toEqual({ image: file_key });
  const { status, body: input } = await ask("inputs", work, { file_key });
  expect({ status, ...input }).toMatchObject({ status: 200, file_name: "in.png", file_size: bytes.length, sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex") });
  expect(new Uint8Array(await (await fetch(String(input["download_url"]))).arrayBuffer())).toEqual(bytes);
  const { body: output } = await ask("outputs", work, anOutput);
  expect([output["is_stored"], String(output["file_key"]).split("/")[0]]).toEqual([false, "outputs"]);
  expect(await send(output)).toBe(204);
  expect((await result(work.task_id))["download_url"]).toBeNull();
  work.agent.say({ type: "result", ...attemptOf(work.offer), outcome: { kind: "completed", output: { storage_key: output["file_key"] } } });
  await work.agent.take("taken");
  const { download_url, download_urls, expires_at, task_output } = await result(work.task_id);
  expect([task_output, download_urls]).toEqual([{ storage_key: output["file_key"] }, { "9.images.0": download_url }]);
  expect(new Date(String(expires_at)).getTime()).toBeGreaterThan(site.world.services.clock.now());
  expect(new Uint8Array(await (await fetch(String(download_url))).arrayBuffer())).toEqual(bytes);
});

test("several outputs have a link each; one that never came has none; one announced twice is one", async () => {
  const work = await working();
  for (const output_id of ["a", "b"]) expect(await send((await ask("outputs", work, { ...anOutput, output_id })).body)).toBe(204);
  await ask("outputs", work, { ...anOutput, output_id: "never" });
  const again = await ask("outputs", work, { ...anOutput, output_id: "a" });
  expect([again.status, again.body["is_stored"]]).toEqual([200, true]);
  expect(await ask("outputs", work, { ...anOutput, output_id: "a", file_size: 1 })).toMatchObject({ status: 409 });
  work.agent.say({ type: "result", ...attemptOf(work.offer), outcome: { kind: "completed", output: null } });
  await work.agent.take("taken");
  const { download_url, download_urls } = await result(work.task_id);
  expect([download_url, download_urls]).toEqual([null, { a: expect.stringContaining("http"), b: expect.stringContaining("http") }]);
});

test("an attempt that was lost reaches no file any more, and what it left is not the task's", async () => {
  const file_key = await addInput();
  const lost = await working(file_key);
  expect(await send((await ask("outputs", lost, anOutput)).body)).toBe(204);
  lost.agent.close();
  advance(LEASE_MS + 1_000);
  const agent = await connectAgent(site, key);
  const session_id = String(agent.welcome["session_id"]);
  await asTimePasses(site, POLL_MS, () => agent.frames.some(({ type }) => type === "offer"));
  const next = { agent, session_id, ...(await takeOffer(agent)) };
  expect(attemptOf(next.offer)).toEqual({ task_id: lost.task_id, attempt: 2 });
  for (const what of ["inputs", "outputs"] as const) expect(await ask(what, lost, what === "inputs" ? { file_key } : anOutput)).toMatchObject({ status: 409 });
  agent.say({ type: "result", ...attemptOf(next.offer), outcome: { kind: "completed", output: null } });
  await agent.take("taken");
  expect((await result(lost.task_id))["download_urls"]).toBeNull();
});

test("another team's agent, another session and a file of another run are refused", async () => {
  const file_key = await addInput();
  const other = await addInput();
  const work = await working(file_key);
  expect(await ask("inputs", work, { file_key: other })).toMatchObject({ status: 404 });
  expect(await ask("inputs", { ...work, session_id: site.people.teamId }, { file_key })).toMatchObject({ status: 409 });
  const stranger = await addPerson(site.gate, { teamId: await addTeam(site.gate), role: "owner" });
  const theirKey = bearer((await addKey(site.gate, stranger, "agent")).rawKey);
  expect(await ask("inputs", work, { file_key }, theirKey)).toMatchObject({ status: 404 });
  expect(await ask("outputs", work, anOutput, theirKey)).toMatchObject({ status: 404 });
  expect(await ask("outputs", work, anOutput, as)).toMatchObject({ status: 403 });
});

test("a run takes files of the team alone, that are there and of the declared kinds, and keeps them for another day", async () => {
  const file_key = await addInput();
  expect((await run("inputs/none/none/in.png")).status).toBe(400);
  expect((await run(await addInput({ content_type: "text/plain", file_name: "in.txt" }))).status).toBe(400);
  expect((await run(await addInput({ content_type: "text/plain", file_name: "IN.DAT" }))).status).toBe(202);
  advance(DAY - 1_000);
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  expect((await run(file_key)).status).toBe(202);
  advance(DAY - 1_000);
  await sweepFiles(site.gate, system, { shelf: new DiskShelf(join(site.world.database.dataDir, "files"), site.gate.services.random) });
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  expect((await run(file_key)).status).toBe(202);
  advance(DAY + 1_000);
  expect((await run(file_key)).status).toBe(400);
});

test("an output whose time is over is announced again like a new one, before the sweep has met it", async () => {
  const work = await working(await addInput());
  expect(await send((await ask("outputs", work, anOutput)).body)).toBe(204);
  // The attempt outlives its file: its agent is heard of all the time.
  await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.files).set({ expires_at: 1 })));
  const again = await ask("outputs", work, anOutput);
  expect([again.status, again.body["is_stored"]]).toEqual([200, false]);
  expect(await send(again.body)).toBe(204);
});
