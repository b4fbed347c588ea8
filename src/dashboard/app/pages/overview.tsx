/** The first page: how the license stands, what is used of it, who works, and what was run last. */
import { useAnswer, useSite } from "../deployment.ts";
import { HourChart } from "../parts/chart.tsx";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Failure, Heading, Link, Loading, Notice } from "../parts/pieces.tsx";
import { taskColumns } from "../parts/task-rows.tsx";
import { daysText, daysUntil, say, when } from "../words.ts";

const EVERY_MS = 5_000;
/** As many as a page of the API has. */
const LATEST = 100;
const UNLIMITED = -1;
const SOON_DAYS = 90;

function Quota({ name, limit, used }: { readonly name: string; readonly limit: number; readonly used: number | null }) {
  const count = used ?? 0;
  return (
    <div className="quota">
      <span>{name.replaceAll("_", " ")}</span>
      <span>
        {count} / {limit === UNLIMITED ? say("unlimited") : limit}
      </span>
      {limit > 0 ? <meter min={0} max={limit} high={limit * 0.9} value={Math.min(count, limit)} aria-label={name} /> : null}
    </div>
  );
}

function Quotas() {
  const { data, error, refetch } = useAnswer("quota.read", {}, { everyMs: EVERY_MS });
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  const counted = data.quota_list.filter(({ used }) => used !== null);
  return (
    <section aria-labelledby="quotas">
      <h2 id="quotas">{say("quotas")}</h2>
      <div className="quotas">
        {counted.map(({ namespace, key, limit, used }) => (
          <Quota key={`${namespace}.${key}`} name={`${namespace} ${key.replace(/^max_/, "")}`} limit={limit} used={used} />
        ))}
      </div>
    </section>
  );
}

function LicenseCard() {
  const { license } = useSite();
  if (license === undefined) return <Loading />;
  const end = license.license?.expires_at ?? null;
  return (
    <div className="card">
      <h2>{say("license")}</h2>
      <p>
        <Badge state={license.state} /> {end === null ? null : <span>{when(end)}</span>}
      </p>
      {end !== null && daysUntil(end) >= 0 && daysUntil(end) <= SOON_DAYS ? (
        <p>
          {daysText(daysUntil(end))}
        </p>
      ) : null}
      <Link to="/license">{say("toLicense")}</Link>
    </div>
  );
}

function TaskCard() {
  const { data, error } = useAnswer("task.list", { query: { per_page: LATEST } }, { everyMs: EVERY_MS });
  return (
    <div className="card wide">
      <h2>{say("tasks")}</h2>
      {error === null ? <HourChart instants={data?.task_list.map(({ created_at }) => created_at) ?? []} /> : <Failure error={error} />}
    </div>
  );
}

function AgentCard() {
  const { data, error } = useAnswer("agent.list_runtime", { query: { per_page: 1 } }, { everyMs: EVERY_MS });
  return (
    <div className="card">
      <h2>{say("agents")}</h2>
      {error === null ? <p className="figure">{data?.page_meta.total_count ?? "…"}</p> : <Failure error={error} />}
      <p className="note">{say("connected")}</p>
      <Link to="/agents">{say("all")}</Link>
    </div>
  );
}

export function Overview() {
  const { team } = useSite();
  if (team === undefined) {
    return (
      <>
        <Heading>{say("overview")}</Heading>
        <Notice>{say("noTeam")}</Notice>
      </>
    );
  }
  return (
    <>
      <Heading>{team.display_name}</Heading>
      <div className="cards">
        <LicenseCard />
        <AgentCard />
        <TaskCard />
      </div>
      <Quotas />
      <h2>{say("recent")}</h2>
      <List
        usePage={(query) => {
          const { data, error, refetch } = useAnswer("task.list", { query: { ...query, per_page: 8 } }, { everyMs: EVERY_MS });
          return { data: data === undefined ? undefined : { rows: data.task_list, total: Math.min(data.page_meta.total_count, 8) }, error, refetch };
        }}
        label={say("recent")}
        columns={taskColumns()}
        idOf={({ id }) => id}
        empty={<Empty>{say("noTasks")}</Empty>}
      />
    </>
  );
}
