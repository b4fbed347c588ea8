/** `/r/workflows/…/run` and `/r/tasks` over real sockets: the documented shapes, and the stream of events. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { revokeCredential } from "../../src/credentials/credentials.ts";
import { REVIEW_MS } from "../../src/credentials/open-connections.ts";
import { system } from "../../src/gate/caller.ts";
import { HEARTBEAT_MS } from "../../src/roles/api/task-events.ts";
import { acceptTask, appendLog, finishTask, reportProgress } from "../../src/tasks/attempts.ts";
import { claimTask } from "../../src/tasks/claim.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { eventually } from "../support/eventually.ts";
import { paced } from "../support/paced.ts";
import { addKey } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";
import { claimant, noTask } from "../support/tasks.ts";

let site: TestRoles;
let as: Shown;
let credentialId: string;
beforeAll(async () => {
  site = await startRoles();
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work" });
});
beforeEach(async () => {
  const { rawKey, id } = await addKey(site.gate, site.people.owner, "integration");
  as = bearer(rawKey);
  credentialId = id;
});
afterAll(() => site.close());

async function run(): Promise<string> {
  const { status, body } = await site.call("/api/v1/r/workflows/slug/work/run", { as, json: {} });
  expect([status, Object.keys(body)]).toEqual([202, ["task_id"]]);
  return String(body["task_id"]);
}

async function take(task_id: string) {
  const claimed = await claimTask(site.gate, system, claimant(site.people.teamId));
  expect(claimed?.taskId).toBe(task_id);
  const hold = { taskId: task_id, attempt: claimed?.attempt ?? 0, sessionId: "session-1" };
  await acceptTask(site.gate, system, hold);
  return hold;
}

/** A reader of a stream: what it has got so far, as raw text. */
async function follow(task_id: string, headers: Readonly<Record<string, string>> = {}) {
  const leaving = new AbortController();
  const response = await fetch(`${site.urls.api}/api/v1/r/tasks/${task_id}/events`, { headers: { ...as, ...headers }, signal: leaving.signal });
  let text = "";
  let isOver = false;
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    isOver = true;
  })().catch(() => undefined);
  return { response, text: () => text, isOver: () => isOver, leave: () => leaving.abort(), reading };
}

/** Times as fast as real time: a look takes some milliseconds, and no credential ends while a busy machine takes its time. */
const FACTOR = 20;

/** Lets the streams look for news until `isTrue`. */
async function until(isTrue: () => boolean): Promise<void> {
  await paced(site.world.services.clock, FACTOR, isTrue);
}

const kindsIn = (text: string) => [...text.matchAll(/^event: (\w+)$/gm)].map(([, kind]) => kind);
const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe("the stream of a task", () => {
  test("tells everything from the first event on, as it happens, and closes after the last", async () => {
    const task_id = await run();
    const stream = await follow(task_id);
    expect([stream.response.status, stream.response.headers.get("content-type"), stream.response.headers.get("cache-control")]).toEqual([200, "text/event-stream", "no-store"]);
    await until(() => kindsIn(stream.text()).length === 1);
    const hold = await take(task_id);
    await reportProgress(site.gate, system, { ...hold, content: { progress: 0.25, current_node: "6", step_current: 5, step_total: 20 } });
    await until(() => kindsIn(stream.text()).length === 4);
    expect(stream.isOver()).toBe(false);
    await finishTask(site.gate, system, { ...hold, outcome: { kind: "completed", output: { a: 1 } } });
    await until(() => stream.isOver());
    expect(kindsIn(stream.text())).toEqual(["status", "status", "status", "progress", "completed"]);
    expect(idsIn(stream.text())).toEqual([1, 2, 3, 4, 5]);
    const data = [...stream.text().matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json));
    expect(data[0]).toEqual({ task_id, status: "pending", timestamp: expect.any(String) });
    expect(data[3]).toMatchObject({ task_id, progress: 0.25, current_node: "6", step_current: 5, step_total: 20 });
    expect(data[4]).toMatchObject({ task_id, status: "completed", output: { a: 1 } });
  });

  test("goes on after the event that was seen last, without a gap and without a repeat, over fifty cuts", async () => {
    const task_id = await run();
    const hold = await take(task_id);
    let seen: number[] = [];
    let log = "";
    let offset = 0;
    for (let cut = 0; cut < 50; cut++) {
      const stream = await follow(task_id, seen.length === 0 ? {} : { "last-event-id": String(seen.at(-1)) });
      for (let line = 0; line < 3; line++) {
        const text = `line ${cut}.${line}\n`;
        expect(await appendLog(site.gate, system, { ...hold, offset, bytes: text.length, stream: "stdout", text })).toMatchObject({ kind: "appended" });
        offset += text.length;
      }
      const wanted = seen.length + 1 + (cut % 3);
      await until(() => seen.length + idsIn(stream.text()).length >= wanted);
      stream.leave();
      await stream.reading;
      // Only whole events count; what was cut in the middle comes again.
      const whole = stream.text().slice(0, stream.text().lastIndexOf("\n\n") + 2);
      seen = [...seen, ...idsIn(whole)];
      log += [...whole.matchAll(/^event: log\ndata: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json).text).join("");
    }
    await finishTask(site.gate, system, { ...hold, outcome: { kind: "completed", output: null } });
    const last = await follow(task_id, { "last-event-id": String(seen.at(-1)) });
    await until(() => last.isOver());
    seen = [...seen, ...idsIn(last.text())];
    log += [...last.text().matchAll(/^event: log\ndata: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json).text).join("");
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
    expect(log).toBe(Array.from({ length: 50 }, (_, cut) => `line ${cut}.0\nline ${cut}.1\nline ${cut}.2\n`).join(""));
  }, 60_000);

  test("says that it is alive while nothing happens", async () => {
    const task_id = await run();
    const stream = await follow(task_id);
    await until(() => kindsIn(stream.text()).length === 1);
    site.world.services.clock.advance(HEARTBEAT_MS);
    await eventually(() => stream.text().includes(": alive\n\n"));
    stream.leave();
    await site.call(`/api/v1/r/tasks/${task_id}/cancel`, { as, method: "POST" });
  });

  test("of a key that is revoked ends within a second", async () => {
    const task_id = await run();
    const stream = await follow(task_id);
    await until(() => kindsIn(stream.text()).length === 1);
    await revokeCredential(site.gate, site.people.owner, { credential_id: credentialId });
    site.world.services.clock.advance(REVIEW_MS);
    await eventually(() => stream.isOver());
    expect(kindsIn(stream.text())).not.toContain("cancelled");
  });

  test("of a task that is over tells all and ends at once", async () => {
    const task_id = await run();
    expect((await site.call(`/api/v1/r/tasks/${task_id}/cancel`, { as, method: "POST" })).body).toEqual({ is_success: true });
    const stream = await follow(task_id);
    await eventually(() => stream.isOver());
    expect(kindsIn(stream.text())).toEqual(["status", "cancelled"]);
    const after = await follow(task_id, { "last-event-id": "2" });
    await eventually(() => after.isOver());
    expect(after.text()).toBe("");
  });

  test.each(["x", "-1", "1.5", "99999999999", "1 2", "0x1"])("refuses the Last-Event-ID %s", async (id) => {
    const task_id = await run();
    const answer = await site.call(`/api/v1/r/tasks/${task_id}/events`, { as: { ...as, "last-event-id": id } });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
    await site.call(`/api/v1/r/tasks/${task_id}/cancel`, { as, method: "POST" });
  });

  test("of a task that is not there, or another team's, is not found, as JSON", async () => {
    const answer = await site.call(`/api/v1/r/tasks/${noTask}/events`, { as });
    expect([answer.status, answer.body["error_message"]]).toEqual([404, "resource not found"]);
  });
});

test("task doors refuse what cannot be, with the field's name", async () => {
  for (const [path, json] of [
    ["/api/v1/r/workflows/slug/Work/run", {}],
    ["/api/v1/r/workflows/x/run", {}],
    ["/api/v1/r/workflows/slug/work/run", { parameters: [] }],
    ["/api/v1/r/workflows/slug/work/run", { parameters: { a: 1 } }],
    ["/api/v1/r/workflows/slug/work/run", { unknown: 1 }],
  ] as const) {
    const answer = await site.call(path, { as, json });
    expect([path, answer.status, answer.body["error_code"]]).toEqual([path, 400, "invalid_request"]);
  }
  expect((await site.call("/api/v1/r/tasks/x", { as })).status).toBe(400);
  expect((await site.call(`/api/v1/r/tasks/${noTask}`, { as })).status).toBe(404);
});
