/**
 * The Inspector's command line against a compiled server with an agent: lists every tool and calls every tool, in both eras of the protocol.
 *
 * It is no dependency, since it brings a hundred packages along: the drill gets it from the package registry into a folder of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { mcpTools } from "../../src/roles/api/mcp-tools.ts";
import { openField } from "./field.ts";
import type { DrillReport } from "./report.ts";

const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";
const eras = ["legacy", "modern"] as const;

/** Lists, and a call of each tool, in each era. */
export const rounds = eras.length * (1 + mcpTools.length);

const Listed = Type.Object({ tools: Type.Array(Type.Object({ name: Type.String() })) });
const Called = Type.Object({ isError: Type.Optional(Type.Boolean()), content: Type.Array(Type.Object({ text: Type.String() })), structuredContent: Type.Optional(Type.Record(Type.String(), Type.Unknown())) });

const Workflow = Type.Object({ id: Type.String() });
const Upload = Type.Object({ file_key: Type.String(), upload_url: Type.String(), upload_headers: Type.Record(Type.String(), Type.String()) });

/** No service runs in this drill: what is asked of one is refused with a next step. */
const refused: readonly string[] = ["get_container_service", "call_container_service"];

type Given = Readonly<Record<string, unknown>>;

interface Inspector {
  list(): Promise<unknown>;
  call(tool: string, given: Given): Promise<unknown>;
}

async function run(command: readonly string[], folder: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd: folder, env: { ...process.env, HOME: folder }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [said, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0 && said === "") throw new Error(`${command[1]} ended with ${exitCode}: ${errors.slice(0, 500)}`);
  return said;
}

function inspectorOf(folder: string, url: string, { key, era }: { readonly key: string; readonly era: string }): Inspector {
  const program = join(folder, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
  const ask = async (...what: readonly string[]): Promise<unknown> => {
    return JSON.parse(await run([process.execPath, program, "--cli", url, "--transport", "http", "--protocol-era", era, "--header", `Authorization: Bearer ${key}`, "--quiet", ...what], folder));
  };
  return {
    list: () => ask("--method", "tools/list"),
    call: (tool, given) => ask("--method", "tools/call", "--tool-name", tool, "--tool-args-json", JSON.stringify(given)),
  };
}

const textOf = (members: Given, name: string) => String(members[name] ?? "");

/** Calls every tool with what the ones before have given; says what is wrong. */
async function callAll({ call }: Inspector): Promise<readonly string[]> {
  const problems: string[] = [];
  const called = new Set<string>();
  const use = async (tool: string, given: Given): Promise<Given> => {
    called.add(tool);
    const answer = Value.Parse(Called, await call(tool, given));
    const isRight = refused.includes(tool) ? answer.isError === true && answer.content[0]?.text.includes("not_found") === true : answer.isError !== true && answer.structuredContent !== undefined;
    if (!isRight) problems.push(`${tool} answered ${JSON.stringify(answer).slice(0, 300)}`);
    return answer.structuredContent ?? {};
  };
  await use("list_workflows", {});
  const { id: workflow_id } = Value.Parse(Workflow, await use("get_workflow_by_slug", { workflow_slug: "work" }));
  await use("get_workflow", { workflow_id });
  const { task_id } = await use("run_workflow", { workflow_id });
  const ended = await use("wait_for_task", { task_id, timeout_seconds: 30 });
  if (ended["task_status"] !== "completed") problems.push(`the task is ${textOf(ended, "task_status")}`);
  await use("get_task", { task_id });
  await use("get_task_result", { task_id });
  await use("list_tasks", {});
  await use("cancel_task", { task_id: textOf(await use("run_workflow_by_slug", { workflow_slug: "work" }), "task_id") });
  await use("list_agents", {});
  const { file_key, upload_url, upload_headers } = Value.Parse(Upload, await use("presign_upload", { file_name: "a.txt", file_size: 1, content_type: "text/plain" }));
  await fetch(upload_url, { method: "PUT", headers: upload_headers, body: "a" });
  await use("presign_download", { file_key });
  await use("list_container_services", {});
  await use("get_container_service", { service_slug: "none" });
  await use("call_container_service", { service_slug: "none", method: "GET", path: "/" });
  return [...problems, ...mcpTools.flatMap(({ name }) => (called.has(name) ? [] : `${name} was not called`))];
}

export async function drill(): Promise<DrillReport> {
  const folder = mkdtempSync(join(tmpdir(), "cyberun-inspector-"));
  try {
    await run([process.execPath, "add", "--exact", "--ignore-scripts", INSPECTOR], folder);
    await using field = await openField({ agents: 1, capacity: 2, command: "echo done" });
    const key = await field.createKey();
    const violations: string[] = [];
    for (const era of eras) {
      const inspector = inspectorOf(folder, `${field.api}/api/v1/mcp`, { key, era });
      const names = Value.Parse(Listed, await inspector.list()).tools.map(({ name }) => name);
      if (names.join() !== mcpTools.map(({ name }) => name).join()) violations.push(`${era}: lists ${names.join(", ")}`);
      violations.push(...(await callAll(inspector)).map((problem) => `${era}: ${problem}`));
    }
    return { name: "mcp inspector", rounds, violations, facts: { inspector: INSPECTOR, tools: mcpTools.length } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
