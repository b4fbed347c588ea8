/**
 * A task from its submission to its result, with nothing but the commands of one executable: an administrator, a team, an agent with its key,
 * a workflow, a run.
 *
 * Rule: only for a copy of a deployment: it leaves an account there, a team and a task.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeBase64url } from "../crypto/base64url.ts";
import { asOwner, type Ran, runCommand, type Surroundings, textIn } from "./as-owner.ts";
import type { Context } from "./context.ts";

const EMAIL = "upgrade-check@example.com";
const TASK_MS = 30_000;

export interface Copy extends Pick<Surroundings, "owner" | "environment"> {
  readonly executable: string;
  readonly dataDir: string;
  readonly urls: ReadonlyMap<string, string>;
}

/** What the license or a rule of the deployment does not allow is no fault of the release. */
const notAllowed: readonly string[] = ["feature_disabled", "quota_exceeded", "second_factor_required", "expired", "not_yet_valid", "invalid", "revoked", "not_bound", "clock_anomaly", "rollback_suspected", "missing", "grace_over"];

class Step extends Error {
  readonly ran: Ran;

  constructor(ran: Ran) {
    super(ran.problem);
    this.ran = ran;
  }
}

interface Files {
  readonly password: string;
  readonly key: string;
  readonly agent: string;
  readonly workflow: string;
}

function writeFiles({ dataDir, executable, urls }: Copy, { random }: Context["services"]): Files {
  const at = (name: string) => join(dataDir, `.check-${name}`);
  const files = { password: at("password"), key: at("key"), agent: at("agent.json"), workflow: at("workflow.json") };
  writeFileSync(files.password, `${encodeBase64url(random.bytes(24))}\n`, { mode: 0o600 });
  writeFileSync(files.agent, JSON.stringify({ gateway_url: urls.get("gateway"), agent_id: "upgrade-check", key_file: files.key, data_dir: at("agent"), commands: { check: { argv: [executable, "version"] } } }));
  writeFileSync(files.workflow, JSON.stringify({ workflow_slug: "upgrade-check", display_name: "Check of an upgrade", tool_type: "command", workflow_json: { command: "check" } }));
  return files;
}

async function go(context: Context, copy: Copy): Promise<void> {
  const { executable, dataDir, owner, environment, urls } = copy;
  const files = asOwner(dataDir, () => writeFiles(copy, context.services));
  const ran = (...words: readonly string[]) => {
    const done = runCommand([executable, ...words, "--json"], { owner, environment, timeoutMs: TASK_MS });
    if (done.problem !== undefined) throw new Step(done);
    return done.answer;
  };
  ran("admin", "create", "--email", EMAIL, "--password-file", files.password, "--data-dir", dataDir);
  const person = ["--api-url", urls.get("api") ?? "", "--email", EMAIL, "--password-file", files.password];
  const team = ["--team", textIn(ran("teams", "create", "Check of an upgrade", ...person), "id") ?? ""];
  ran("keys", "create", "--kind", "agent", "--name", "upgrade-check", "--out", files.key, ...person, ...team);
  ran("workflows", "import", files.workflow, ...person, ...team);
  const agent = Bun.spawn([executable, "agent", "run", files.agent], { ...owner, env: { ...environment }, stdio: ["ignore", "ignore", "ignore"] });
  try {
    ran("run", "upgrade-check", "--wait", ...person, ...team);
  } finally {
    agent.kill("SIGKILL");
    await agent.exited;
  }
}

/** A sentence when the task does not come to its end on the copy that serves. What the license does not allow is told and left out. */
export async function roundTripProblem(context: Context, copy: Copy): Promise<string | undefined> {
  try {
    await go(context, copy);
    context.terminal.err("cyberun: a task went from its submission to its result on the copy\n");
    return undefined;
  } catch (error) {
    if (!(error instanceof Step)) throw error;
    const { code, problem } = error.ran;
    if (code === undefined || !notAllowed.includes(code)) return `a task does not come to its end: ${problem}`;
    context.terminal.err(`cyberun: no task was tried on the copy, which does not allow it: ${problem}\n`);
    return undefined;
  }
}
