/** What is connected with one's own account: sign-ins at other providers, and the programs that one has allowed something. */
import { useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Failure, Loading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

export function Identities() {
  const { data, error, refetch } = useAnswer("upstream_identity.list", {});
  const remove = useDeed("upstream_identity.remove");
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  if (data.identities.length === 0) return <p className="note">{say("noIdentities")}</p>;
  return (
    <ul className="plain">
      {data.identities.map(({ id, provider, issuer, email_address, last_used_at }) => (
        <li key={id} className="row">
          <span>
            <strong>{provider ?? issuer}</strong> · {email_address ?? "–"} · {say("lastUsed")}: {when(last_used_at)}
          </span>
          <Confirm label={say("remove")} text={say("removeIdentitySure")} error={remove.error} act={() => remove.mutateAsync({ path: { id } })} />
        </li>
      ))}
    </ul>
  );
}

export function Consents() {
  const { data, error, refetch } = useAnswer("consent.list", {});
  const revoke = useDeed("consent.revoke");
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  if (data.consent_list.length === 0) return <p className="note">{say("noConsents")}</p>;
  return (
    <ul className="plain">
      {data.consent_list.map(({ client_id, client_name, scope, granted_at }) => (
        <li key={client_id} className="row">
          <span>
            <strong>{client_name}</strong> · {scope} · {when(granted_at)}
          </span>
          <Confirm label={say("takeBack")} text={say("takeBackSure")} error={revoke.error} act={() => revoke.mutateAsync({ path: { client_id } })} />
        </li>
      ))}
    </ul>
  );
}
