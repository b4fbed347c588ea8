/** Workflows of the type comfyui through the reference agent, against a stand-in that speaks ComfyUI's API over real sockets. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { listAgents } from "../../src/tasks/agent-list.ts";
import { cancelTask } from "../../src/tasks/cancellation.ts";
import { readTaskEvents } from "../../src/tasks/events.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { startAgent } from "../support/command-agent.ts";
import { type ComfyUiDouble, comfyUi } from "../support/comfyui.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { paced } from "../support/paced.ts";
import { addKey } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

const FACTOR = 20;
let site: TestRoles;
let folder: Folder;
let comfy: ComfyUiDouble;
let key: string;
let as: Shown;
let agent: ReturnType<typeof startAgent>;

const graph = {
  "3": { class_type: "KSampler", inputs: { seed: 1, steps: 20 } },
  "6": { class_type: "CLIPTextEncode", inputs: { text: "default", clip: ["4", 1] } },
  "8": { class_type: "LoadImage", inputs: { image: "none.png" } },
  "9": { class_type: "SaveImage", inputs: { images: ["8", 0] } },
};
const parameters = [
  { key: "prompt", type: "string", node_id: "6", field: "text" },
  { key: "seed", type: "integer", node_id: "3", field: "seed" },
  { key: "image", type: "file", node_id: "8", field: "image" },
];

function start(): void {
  agent = startAgent({ services: site.world.services, folder: folder.path, url: () => site.urls.gateway, rawKey: key, commands: {}, comfyUiUrl: comfy.url, capacity: 2 });
}

beforeEach(async () => {
  site = await startRoles();
  folder = temporaryFolder();
  comfy = comfyUi();
  key = (await addKey(site.gate, site.people.owner, "agent")).rawKey;
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "draw", display_name: "Draw", tool_type: "comfyui", workflow_json: graph, parameters, max_retries: 1 });
  start();
});
afterEach(async () => {
  agent.agent.abandon();
  await site.close();
  await comfy[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const until = async (isTrue: () => boolean | Promise<boolean>) => await paced(site.world.services.clock, FACTOR, isTrue);
const status = async () => (await listAgents(site.gate, site.people.owner, {})).agent_list[0];
const result = async (task_id: string) => (await site.call(`/api/v1/r/tasks/${task_id}/result`, { as })).body;

async function run(given: object = {}): Promise<string> {
  await until(async () => ["idle", "busy"].includes((await status())?.agent_status ?? ""));
  return String((await site.call("/api/v1/r/workflows/slug/draw/run", { as, json: { parameters: given } })).body["task_id"]);
}

/** Runs, and gives the id of the prompt at ComfyUI. */
async function queued(given: object = {}): Promise<{ readonly task_id: string; readonly id: string }> {
  const before = comfy.prompts.length;
  const task_id = await run(given);
  await until(() => comfy.prompts.length > before);
  return { task_id, id: comfy.prompts[before]?.id ?? "" };
}

async function ended(task_id: string) {
  await until(async () => ["completed", "failed", "cancelled"].includes(String((await result(task_id))["task_status"])));
  return await result(task_id);
}

async function contents(task_id: string, kind: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { events } = await readTaskEvents(site.gate, site.people.owner, { task_id, after: 0 });
  return events.filter((event) => event.kind === kind).map(({ content }) => JSON.parse(content));
}

async function upload(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { body } = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "in.png", file_size: bytes.length, content_type: "image/png" } });
  await fetch(String(body["upload_url"]), { method: "PUT", headers: JSON.parse(JSON.stringify(body["upload_headers"])), body: bytes });
  return String(body["file_key"]);
}

describe("a graph", () => {
  test("gets the run's values and files, tells how far it is, and its images are the task's", async () => {
    const input = new Uint8Array([1, 2, 3]);
    const { task_id, id } = await queued({ prompt: "a cat", seed: 7, image: await upload(input) });
    await until(() => comfy.sockets > 0);
    const [prompt] = comfy.prompts;
    const [[name, bytes] = []] = comfy.uploads;
    expect(prompt?.graph).toEqual({
      "3": { class_type: "KSampler", inputs: { seed: 7, steps: 20 } },
      "6": { class_type: "CLIPTextEncode", inputs: { text: "a cat", clip: ["4", 1] } },
      "8": { class_type: "LoadImage", inputs: { image: name } },
      "9": graph["9"],
    });
    expect(bytes).toEqual(input);
    comfy.say("execution_cached", { prompt_id: id, nodes: ["6"] });
    comfy.say("executing", { prompt_id: id, node: "3" });
    comfy.say("progress", { prompt_id: id, node: "3", value: 10, max: 20 });
    await until(async () => (await contents(task_id, "progress")).some(({ step_current }) => step_current === 10));
    expect((await contents(task_id, "progress")).at(-1)).toMatchObject({ progress: 0.375, current_node: "KSampler (node 3)", step_current: 10, step_total: 20 });
    const image = new Uint8Array(200_000).map((_, at) => at & 0xff);
    comfy.finish(id, image);
    const done = await ended(task_id);
    expect([done["task_status"], done["task_output"]]).toEqual(["completed", { image_count: 1, outputs: [{ id: "9.images.0", filename: "ComfyUI_1_.png" }] }]);
    const { "9.images.0": url = "" } = JSON.parse(JSON.stringify(done["download_urls"]));
    const fetched = await fetch(url);
    expect(fetched.headers.get("content-disposition")).toContain("ComfyUI_1_.png");
    expect(new Uint8Array(await fetched.arrayBuffer())).toEqual(image);
    expect((await contents(task_id, "log")).map(({ text }) => text).join("")).toBe("To be queued at ComfyUI.\nRunning KSampler (node 3).\n");
  });

  test("that fails is retried, and says why", async () => {
    const { task_id, id } = await queued();
    comfy.fail(id, "CUDA out of memory");
    await until(() => comfy.prompts.length === 2);
    comfy.fail(comfy.prompts[1]?.id ?? "", "CUDA out of memory");
    expect(await ended(task_id)).toMatchObject({ task_status: "failed", task_error: "KSampler (node 3): CUDA out of memory" });
  });

  test("that ComfyUI does not take fails at once", async () => {
    comfy.refuses = "Prompt outputs failed validation";
    expect(await ended(await run())).toMatchObject({ task_status: "failed", task_error: "ComfyUI does not take the graph: Prompt outputs failed validation; node 6: Required input is missing text" });
  });

  test("whose parameters have no place in it is refused before there is a task", async () => {
    await importWorkflow(site.gate, site.people.owner, { workflow_slug: "draw", display_name: "Draw", tool_type: "comfyui", workflow_json: graph, parameters: [{ key: "prompt", type: "string", node_id: "77", field: "text" }] });
    const { status: code, body } = await site.call("/api/v1/r/workflows/slug/draw/run", { as, json: { parameters: { prompt: "x" } } });
    expect([code, body["error_message"]]).toEqual([409, "The workflow puts the parameter prompt at node 77, which it does not have."]);
  });
});

describe("a task that is cancelled", () => {
  test("is interrupted where it runs, and taken out of the queue where it waits; others go on", async () => {
    const first = await queued();
    const second = await queued();
    await cancelTask(site.gate, site.people.owner, { task_id: second.task_id });
    await until(() => !comfy.queue().includes(second.id));
    expect([comfy.queue(), comfy.interrupted]).toEqual([[first.id], []]);
    await cancelTask(site.gate, site.people.owner, { task_id: first.task_id });
    await until(() => comfy.interrupted.length === 1);
    expect([comfy.queue(), comfy.interrupted]).toEqual([[], [first.id]]);
  });
});

describe("nothing runs twice, and nothing is lost", () => {
  test("when the agent is started again: it goes on with what it has queued", async () => {
    const { task_id, id } = await queued();
    agent.agent.abandon();
    start();
    comfy.finish(id);
    expect((await ended(task_id))["task_status"]).toBe("completed");
    expect(comfy.prompts).toHaveLength(1);
  });

  test("when the agent is started again after the end, by a ComfyUI that chooses ids itself", async () => {
    await comfy[Symbol.asyncDispose]();
    agent.agent.abandon();
    comfy = comfyUi({ ignoresIds: true });
    start();
    const { task_id, id } = await queued();
    agent.agent.abandon();
    comfy.finish(id);
    start();
    expect((await ended(task_id))["task_status"]).toBe("completed");
    expect(comfy.prompts).toHaveLength(1);
  });

  test("when the socket is cut: the history says how it ended", async () => {
    const { task_id, id } = await queued();
    await until(() => comfy.sockets > 0);
    comfy.cutSockets();
    comfy.finish(id);
    expect((await ended(task_id))["task_status"]).toBe("completed");
  });

  test("when ComfyUI is away for a while and comes back with its queue", async () => {
    const { task_id, id } = await queued();
    comfy.stop();
    await until(async () => (await status())?.agent_status === "unhealthy");
    comfy.start();
    await until(async () => (await status())?.agent_status === "busy");
    comfy.finish(id);
    expect((await ended(task_id))["task_status"]).toBe("completed");
    expect(comfy.prompts).toHaveLength(1);
  });

  test("when ComfyUI is started anew: the attempt fails, and the next one runs", async () => {
    const { task_id } = await queued();
    comfy.stop();
    comfy.start({ forgets: true });
    await until(() => comfy.prompts.length === 2);
    comfy.finish(comfy.prompts[1]?.id ?? "");
    expect((await ended(task_id))["task_status"]).toBe("completed");
  });
});

test("its versions and devices are the agent's, and while it is not well the agent takes nothing", async () => {
  await until(async () => (await status())?.comfyui_version === "0.3.13");
  expect(await status()).toMatchObject({ agent_status: "idle", tool: "comfyui", comfyui_version: "0.3.13", system_stats: { pytorch_version: "2.5.1", os_type: "posix", gpu_devices: [{ device_name: "cuda:0 NVIDIA A100", vram_total: 42_000_000_000 }] } });
  comfy.stop();
  await until(async () => (await status())?.agent_status === "unhealthy");
  const task_id = String((await site.call("/api/v1/r/workflows/slug/draw/run", { as, json: { parameters: {} } })).body["task_id"]);
  await until(async () => JSON.stringify((await site.call(`/api/v1/r/tasks/${task_id}`, { as })).body).includes("agents_unavailable"));
  comfy.start();
  await until(() => comfy.prompts.length === 1);
});
