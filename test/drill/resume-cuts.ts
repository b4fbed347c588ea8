/**
 * Resume drill: a task writes much while its agent's link is cut again and again, and readers follow its events over sockets that are cut
 * too. The same attempt has to end, its log has to be what the command wrote, byte for byte, and no reader may see a gap or anything
 * twice.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { readTask } from "../../src/tasks/tasks.ts";
import { runWorkflowBySlug } from "../../src/tasks/submission.ts";
import { importWorkflow } from "../../src/workflows/management.ts";
import { cutting, script, startAgent } from "../support/command-agent.ts";
import { temporaryFolder } from "../support/folder.ts";
import { paced } from "../support/paced.ts";
import { addKey } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";
import type { DrillReport } from "./report.ts";

/** Cuts of the agent's link. */
export const rounds = 500;
const READERS = 4;
/** A reader is cut after so many events, more or less. */
const EVENTS_BETWEEN_CUTS = 25;
/** Frames between two cuts. */
const FRAMES_BETWEEN_CUTS = 3;
const LINES_A_CUT = 150;
const FACTOR = 10;
const LIMIT_MS = 10 * 60_000;

interface Seen {
  readonly ids: number[];
  log: string;
  cuts: number;
  isOver: boolean;
}

/** Follows a task to its end, through cuts of its own. */
async function follow(site: TestRoles, { taskId, rawKey, reader }: { readonly taskId: string; readonly rawKey: string; readonly reader: number }): Promise<Seen> {
  const seen: Seen = { ids: [], log: "", cuts: 0, isOver: false };
  while (!seen.isOver) {
    const abort = new AbortController();
    const last = seen.ids.at(-1);
    const response = await fetch(`${site.urls.api}/api/v1/r/tasks/${taskId}/events`, { headers: { ...bearer(rawKey), ...(last === undefined ? {} : { "last-event-id": String(last) }) }, signal: abort.signal });
    if (response.body === null || response.status !== 200) throw new Error(`a reader was answered ${response.status}`);
    let events = 0;
    try {
      for await (const { id, event, data } of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())) {
        if (id === undefined) continue;
        seen.ids.push(Number(id));
        if (event === "log") seen.log += JSON.parse(data).text;
        if (event === "completed" || event === "failed") seen.isOver = true;
        events += 1;
        if (events >= EVENTS_BETWEEN_CUTS + reader) abort.abort();
      }
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      seen.cuts += 1;
    }
  }
  return seen;
}

function problemsOf(seen: Seen, wanted: string, reader: number): readonly string[] {
  const isWhole = seen.ids.every((id, index) => id === index + 1);
  return [...(isWhole ? [] : [`reader ${reader} saw a gap or something twice`]), ...(seen.log === wanted ? [] : [`reader ${reader} saw another log than the command wrote`])];
}

export async function drill(cuts: number): Promise<DrillReport> {
  await using site = await startRoles();
  using folder = temporaryFolder();
  const wantedPath = join(folder.path, "wanted");
  let done = 0;
  let frames = 0;
  const between = cutting((_direction, type) => {
    if (type === "hello" || type === "welcome" || done >= cuts) return undefined;
    frames += 1;
    if (frames % FRAMES_BETWEEN_CUTS !== 0) return undefined;
    done += 1;
    return done % 2 === 0 ? "before" : "after";
  });
  const command = `i=0; while [ $i -lt ${cuts * LINES_A_CUT} ]; do i=$((i+1)); echo "line $i: äöü 日本語 🙂 ${"x".repeat(80)}"; done | tee ${wantedPath}`;
  // They come back soon: what is drilled is the coming back, not the wait.
  const services = { ...site.world.services, random: { ...site.world.services.random, fraction: () => 0.01 } };
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  const { agent } = startAgent({ services, folder: folder.path, url: () => site.urls.gateway, rawKey, commands: { chatty: script(command) }, between });
  await importWorkflow(site.gate, site.people.owner, { workflow_slug: "chatty", display_name: "Chatty", tool_type: "command", workflow_json: { command: "chatty" }, max_retries: 3 });
  const { task_id } = await runWorkflowBySlug(site.gate, site.people.owner, { workflow_slug: "chatty" });
  const key = (await addKey(site.gate, site.people.owner, "integration")).rawKey;
  const following = Promise.all(Array.from({ length: READERS }, (_each, reader) => follow(site, { taskId: task_id, rawKey: key, reader })));
  let isFollowed = false;
  void following.finally(() => (isFollowed = true));
  await paced(site.world.services.clock, FACTOR, () => isFollowed, LIMIT_MS);
  const readers = await following;
  agent.abandon();
  const task = await readTask(site.gate, site.people.owner, { task_id });
  const wanted = readFileSync(wantedPath, "utf8");
  const violations = [
    ...(task.task_status === "completed" && task.attempt === 1 && task.retry_count === 0 ? [] : [`the task ended as ${task.task_status} with attempt ${task.attempt}`]),
    ...(done === cuts ? [] : [`the link was cut ${done} times only`]),
    ...readers.flatMap((seen, reader) => problemsOf(seen, wanted, reader)),
  ];
  return { name: "resume cuts", rounds: cuts, violations, facts: { log_bytes: Buffer.byteLength(wanted), events: readers[0]?.ids.length ?? 0, readers: READERS, reader_cuts: readers.reduce((sum, seen) => sum + seen.cuts, 0) } };
}
