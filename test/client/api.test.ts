/** The typed client against a served API: calls, refusals, repeats and pages. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Api } from "../../client/api.d.ts";
import { ApiError, createApi } from "../../client/src/api.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { type ClientPackage, installedClient, type Runtime } from "../support/client-package.ts";
import { addKey } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";
import { attemptOf, connectAgent } from "../support/socket-agent.ts";
import { asTimePasses } from "../support/passing-time.ts";

let site: TestRoles;
let key: string;
let installed: ClientPackage;
beforeAll(async () => {
  site = await startRoles();
  installed = await installedClient();
  key = (await addKey(site.gate, site.people.owner, "integration")).rawKey;
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "work", display_name: "Work" });
});
afterAll(async () => {
  installed[Symbol.dispose]();
  await site.close();
});

const api = (options: Partial<Parameters<typeof createApi>[0]> = {}): Api => createApi({ baseUrl: `${site.urls.api}/`, credential: key, ...options });

/** The server as it is, but for its first answers. */
function failing(first: readonly (() => Response)[]) {
  const asked: Request[] = [];
  const answers = [...first];
  const ask = Object.assign(
    async (url: string | URL | Request, init?: BunFetchRequestInit) => {
      asked.push(new Request(String(url), init));
      const answer = answers.shift();
      return answer === undefined ? await fetch(String(url), init) : answer();
    },
    { preconnect: fetch.preconnect },
  );
  return { asked, ask };
}
const busy = () => Response.json({ error_code: "unavailable", error_message: "Later." }, { status: 503, headers: { "retry-after": "0" } });
const cut = (): Response => {
  throw new TypeError("the connection was cut");
};

test("answers are typed, and a key is shown for each call", async () => {
  const { workflow_list, page_meta } = await api().call("workflow.list_runtime", {});
  expect([workflow_list.map(({ workflow_slug }) => workflow_slug), page_meta.total_count]).toEqual([["work"], 1]);
  expect((await api({ credential: async () => key }).call("workflow.read_by_slug", { path: { workflow_slug: "work" } })).display_name).toBe("Work");
});

test("a refusal has the words of the API", async () => {
  const refused = await api({ credential: "sk-bad" }).call("workflow.list_runtime", {}).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ status: 401, code: "unauthenticated", hint: expect.any(String) });
  const missing = await api().call("task.read", { path: { task_id: "00000000-0000-7000-8000-00000000000f" } }).catch((error: unknown) => error);
  expect(missing).toMatchObject({ status: 404, code: "not_found" });
  for (const task_id of ["", "..", "."]) expect(api().call("task.read", { path: { task_id } })).rejects.toThrow(TypeError);
  expect(api().call("task.read", { path: { task_id: "../users/me" } })).rejects.toMatchObject({ status: expect.any(Number) });
});

test("what may be repeated is asked again after a cut and when the server is busy, and nothing else is", async () => {
  const reads = failing([busy, cut]);
  expect((await api({ fetch: reads.ask }).call("workflow.list_runtime", {})).workflow_list).toHaveLength(1);
  expect(reads.asked).toHaveLength(3);
  const runs = failing([busy]);
  const once = { path: { workflow_slug: "work" }, body: { parameters: {} } };
  expect(api({ fetch: runs.ask }).call("task.run_by_slug", once)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 0 });
  expect(runs.asked).toHaveLength(1);
  const keyed = failing([cut, busy]);
  const first = await api({ fetch: keyed.ask }).call("task.run_by_slug", once, { idempotencyKey: "k-1" });
  expect(await api().call("task.run_by_slug", once, { idempotencyKey: "k-1" })).toEqual(first);
  await api().call("task.cancel", { path: { task_id: first.task_id } });
  const never = failing([busy, busy, busy, busy]);
  expect(api({ fetch: never.ask }).call("workflow.list_runtime", {})).rejects.toMatchObject({ status: 503 });
  expect(api({ fetch: failing([busy]).ask }).call("workflow.list_runtime", {}, { signal: AbortSignal.abort() })).rejects.toThrow();
});

test("pages come one after the other until there are no more", async () => {
  for (let index = 0; index < 5; index += 1) await importWorkflow(site.gate, site.people.owner, { workflow_slug: `more-${index}`, display_name: "More" });
  const seen: string[] = [];
  let pages = 0;
  for await (const { workflow_list } of api().pages("workflow.list_runtime", { query: { per_page: 2 } })) {
    pages += 1;
    seen.push(...workflow_list.map(({ workflow_slug }) => workflow_slug));
  }
  expect([pages, new Set(seen).size]).toEqual([3, 6]);
});

test("the example runs a workflow to its end, in both runtimes", async () => {
  const agent = await connectAgent(site, (await addKey(site.gate, site.people.owner, "agent")).rawKey);
  for (const runtime of ["node", "bun"] satisfies Runtime[]) {
    await using example = installed.run(runtime, "run-workflow", { args: ["work"], env: { CYBERUN_URL: site.urls.api, CYBERUN_API_KEY: key } });
    const ended = example.next();
    let isOver = false;
    void ended.finally(() => (isOver = true));
    const offer = await agent.take("offer");
    agent.say({ type: "accept", ...attemptOf(offer) });
    agent.say({ type: "result", ...attemptOf(offer), outcome: { kind: "completed", output: { frames: 3 } } });
    await asTimePasses(site, 100, () => {
      agent.send({ type: "ping", sequence: 1 });
      return isOver;
    });
    expect([runtime, await ended]).toEqual([runtime, { task_status: "completed", task_output: { frames: 3 } }]);
    expect([await example.exited, await example.errors]).toEqual([0, ""]);
  }
  agent.close();
});
