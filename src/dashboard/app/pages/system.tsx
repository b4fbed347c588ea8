/** What runs where, how it does and what is missing, for administrators. */
import { useAnswer } from "../deployment.ts";
import { Facts } from "../parts/facts.tsx";
import { Absent, Badge, Empty, Failure, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { amount, say, when } from "../words.ts";

const EVERY_MS = 30_000;

/** The last backup, the last drill and the next, or how to have some. */
function Backups() {
  const { data, error, refetch } = useAnswer("backup.read_status", {}, { everyMs: EVERY_MS });
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  const { last_backup, last_drill, last_failure, next_due_at, backup_dir } = data;
  if (last_backup === null && next_due_at === null) return <Empty command="cyberun backup create --to FILE">{say("noBackups")}</Empty>;
  return (
    <>
      {last_failure === null ? null : (
        <Notice tone="bad">
          {when(last_failure.failed_at)}: {last_failure.problem}
        </Notice>
      )}
      <Facts
        rows={[
          [say("lastBackup"), last_backup === null ? say("notYet") : `${when(last_backup.created_at)}, ${amount(last_backup.bytes)}`],
          [say("file"), last_backup === null ? null : <code>{last_backup.path}</code>],
          [say("lastDrill"), last_drill === null ? say("notYet") : <><Badge state={last_drill.passed ? "ok" : "failed"} /> {when(last_drill.drilled_at)} {last_drill.problems.join(" ")}</>],
          [say("nextBackup"), next_due_at === null ? say("never") : when(next_due_at)],
          [say("folder"), <code>{backup_dir}</code>],
        ]}
      />
    </>
  );
}

export function System() {
  const { data, error, refetch } = useAnswer("system.read", {}, { everyMs: EVERY_MS });
  if (data === undefined) return <Absent title={say("system")} error={error} again={() => void refetch()} />;
  return (
    <>
      <Heading>{say("system")}</Heading>
      <Facts
        rows={[
          [say("version"), data.version],
          [say("startedAt"), when(data.started_at)],
          [say("roles"), data.role_list.join(", ")],
          [say("store"), data.store_engine],
          [say("licenseServer"), data.lease.server],
          [say("leaseAge"), data.lease.age_seconds === null ? null : `${data.lease.age_seconds} s`],
        ]}
      />
      <h2>{say("addresses")}</h2>
      <Facts rows={[...data.address_list.map(({ role, url }) => [role, <code>{url}</code>] as const), ...data.license_server_list.map(({ address, outcome, reason }) => [say("licenseServer"), <>{<code>{address}</code>} · {outcome}{reason === null ? null : `: ${reason}`}</>] as const)]} />
      <h2>{say("backups")}</h2>
      <Backups />
      <h2>{say("checks")}</h2>
      <ul className="plain" id="checks">
        {data.check_list.map(({ name, check_status, message, hint }) => (
          <li key={name}>
            <Badge state={check_status} /> <strong>{name}</strong>: {message}
            {hint === null ? null : <p className="note">{hint}</p>}
          </li>
        ))}
      </ul>
      <p className="note">{say("doctorNote")}</p>
      <pre tabIndex={0}>
        <code>cyberun doctor</code>
      </pre>
    </>
  );
}
