/** What runs where, how it does and what is missing, for administrators. */
import { useAnswer } from "../deployment.ts";
import { Facts } from "../parts/facts.tsx";
import { Absent, Badge, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

const EVERY_MS = 30_000;

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
