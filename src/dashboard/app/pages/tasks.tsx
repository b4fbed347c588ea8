/** Tasks of the team: all of them, and one with its log as it is written. */
import { useEffect, useState } from "react";
import { pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { List } from "../parts/list.tsx";
import { Absent, Badge, Empty, Failure, Heading, Link, Loading, Notice } from "../parts/pieces.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { taskColumns } from "../parts/task-rows.tsx";
import { say, when } from "../words.ts";

const EVERY_MS = 2_000;
const LOG_CHARACTERS_MAX = 200_000;
const over: readonly string[] = ["completed", "failed", "cancelled"];

const statuses = ["", "pending", "waiting", "queued", "running", "completed", "failed", "cancelled"] as const;
type Status = (typeof statuses)[number];

export function Tasks() {
  const [status, choose] = useState<Status>("");
  return (
    <>
      <Heading>{say("tasks")}</Heading>
      <Tabs label={say("status")} value={status} options={statuses.map((each) => [each, each === "" ? say("every") : each] as const)} choose={choose} />
      <List
        key={status}
        usePage={(query) => pageIn(useAnswer("task.list", { query: status === "" ? query : { ...query, status } }, { everyMs: EVERY_MS }), ({ task_list }) => task_list)}
        label={say("tasks")}
        columns={taskColumns()}
        idOf={({ id }) => id}
        empty={status === "" ? <Empty command="cyberun run SLUG --wait">{say("noTasks")}</Empty> : <Empty>{say("noneFits")}</Empty>}
      />
    </>
  );
}

/** The text of an event of the log; what else the stream says is shown elsewhere. */
function logText(block: string): string {
  const data = block.split("\n").flatMap((line) => (line.startsWith("data:") ? [line.slice(5).trimStart()] : [])).join("\n");
  if (!/^event: ?log$/m.test(block) || data === "") return "";
  const content: unknown = JSON.parse(data);
  return typeof content === "object" && content !== null && "text" in content && typeof content.text === "string" ? content.text : "";
}

/** The log so far, and what is added to it while the task runs. */
function useLog(taskId: string): string {
  const { api } = useSite();
  const [log, setLog] = useState("");
  useEffect(() => {
    const life = new AbortController();
    setLog("");
    const read = async () => {
      const { body } = await api.open("task.follow", { path: { task_id: taskId } }, { signal: life.signal });
      const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
        const blocks = (rest + part.value).split("\n\n");
        rest = blocks.pop() ?? "";
        const added = blocks.map(logText).join("");
        if (added !== "") setLog((before) => (before + added).slice(-LOG_CHARACTERS_MAX));
      }
    };
    // A stream that is cut is no news: the page asks for the task itself every few seconds.
    read().catch(() => {});
    return () => life.abort();
  }, [api, taskId]);
  return log;
}

function Result({ taskId }: { readonly taskId: string }) {
  const { data, error } = useAnswer("task.read_result", { path: { task_id: taskId } });
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} />;
  return (
    <section>
      <h2>{say("output")}</h2>
      {data.task_error === null ? null : <Notice tone="bad">{data.task_error}</Notice>}
      {data.task_output === null ? null : (
        <pre tabIndex={0}>
          <code>{JSON.stringify(data.task_output, null, 2)}</code>
        </pre>
      )}
      <ul>
        {Object.entries(data.download_urls ?? {}).map(([name, url]) => (
          <li key={name}>
            <a href={url} download>
              {say("download")}: {name}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Task({ id }: { readonly id: string }) {
  const { data, error, refetch } = useAnswer("task.read", { path: { task_id: id } }, { everyMs: EVERY_MS });
  const cancel = useDeed("task.cancel");
  const log = useLog(id);
  if (data === undefined) return <Absent title={say("tasks")} error={error} again={() => void refetch()} />;
  const isOver = over.includes(data.task_status);
  return (
    <>
      <Heading actions={isOver ? null : <Confirm label={say("cancel")} text={say("cancelSure")} error={cancel.error} act={() => cancel.mutateAsync({ path: { task_id: id } })} />}>
        {data.workflow_slug}@{data.workflow_version}
      </Heading>
      <dl>
        <dt>{say("status")}</dt>
        <dd id="task-status">
          <Badge state={data.task_status} />
        </dd>
        {data.waiting_reason === null ? null : (
          <>
            <dt>{say("why")}</dt>
            <dd>{data.waiting_reason.message}</dd>
          </>
        )}
        <dt>{say("created")}</dt>
        <dd>{when(data.created_at)}</dd>
        <dt>{say("started")}</dt>
        <dd>{when(data.started_at)}</dd>
        <dt>{say("ended")}</dt>
        <dd>{when(data.completed_at)}</dd>
        <dt>{say("agent")}</dt>
        <dd>{data.agent_id ?? "–"}</dd>
        <dt>{say("attempt")}</dt>
        <dd>{data.attempt}</dd>
        <dt>{say("parameters")}</dt>
        <dd>
          <code>{JSON.stringify(data.parameters)}</code>
        </dd>
      </dl>
      {isOver ? <Result taskId={id} /> : null}
      <h2>{say("log")}</h2>
      {log === "" ? (
        <p className="note">{say("noLog")}</p>
      ) : (
        <pre tabIndex={0} id="log" className="log">
          <code>{log}</code>
        </pre>
      )}
      <p>
        <Link to="/tasks">{say("tasks")}</Link>
      </p>
    </>
  );
}
