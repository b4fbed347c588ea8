/** How the deployment vouches for people: programs that let people sign in here, providers by which they sign in, and the keys that sign. */
import { useState } from "react";
import { hasFeature, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { Badge, Empty, Failure, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { say, when } from "../words.ts";

const OVERLAP_SECONDS = 86_400;

function ClientForm({ made }: { readonly made: (secret: string) => void }) {
  const create = useDeed("oidc_client.create");
  const send = (fields: FormData) => {
    const isPublic = textIn(fields, "kind") === "public";
    const body = { client_name: textIn(fields, "client_name"), redirect_uris: textIn(fields, "redirect_uris").split(/\s+/).filter((uri) => uri !== ""), ...(isPublic ? { token_endpoint_auth_method: "none" } : {}) };
    create.mutateAsync({ body }).then(({ client, client_secret }) => made(`client_id=${client.client_id}${client_secret === undefined ? "" : `\nclient_secret=${client_secret}`}`), () => {});
  };
  return (
    <details>
      <summary>{say("createClient")}</summary>
      <Form label={say("createClient")} submit={say("create")} isBusy={create.isPending} error={create.error} send={send}>
        <Field name="client_name" label={say("name")} />
        <Field name="redirect_uris" label={say("redirectUris")} note={say("redirectUrisNote")} />
        <Field name="kind" label={say("kind")} value="confidential" options={[["confidential", say("confidential")], ["public", say("publicClient")]]} />
      </Form>
    </details>
  );
}

interface ClientDeedsProps {
  readonly id: string;
  readonly isDisabled: boolean;
  readonly hasSecret: boolean;
  readonly made: (secret: string) => void;
}

function ClientDeeds({ id, isDisabled, hasSecret, made }: ClientDeedsProps) {
  const update = useDeed("oidc_client.update");
  const rotate = useDeed("oidc_client.rotate_secret");
  const remove = useDeed("oidc_client.delete");
  const path = { client_id: id };
  return (
    <div className="deeds">
      <button type="button" className="quiet" disabled={update.isPending} onClick={() => update.mutate({ path, body: { is_disabled: !isDisabled } })}>
        {say(isDisabled ? "enable" : "disable")}
      </button>
      {hasSecret ? <Confirm label={say("rotate")} text={say("rotateSure")} error={rotate.error} act={() => rotate.mutateAsync({ path, body: { overlap_seconds: OVERLAP_SECONDS } }).then(({ client_secret }) => made(`client_secret=${client_secret}`))} /> : null}
      <Confirm label={say("delete")} text={say("deleteClientSure")} error={remove.error} act={() => remove.mutateAsync({ path })} />
    </div>
  );
}

/** All of them: a deployment has as many as it has programs. */
function Clients() {
  const [after, setAfter] = useState<string>();
  const { data, error, refetch } = useAnswer("oidc_client.list", { query: after === undefined ? {} : { after } });
  const [secret, setSecret] = useState<string>();
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  const { clients, next } = data;
  return (
    <>
      {secret === undefined ? <ClientForm made={setSecret} /> : <Secret text={say("clientMade")} secret={secret} done={() => setSecret(undefined)} />}
      {clients.length === 0 ? <Empty command="cyberun oidc clients create FILE">{say("noClients")}</Empty> : null}
      <ul className="plain">
        {clients.map(({ client_id, client_name, redirect_uris, token_endpoint_auth_method, is_disabled, is_first_party, is_dynamic }) => (
          <li key={client_id}>
            <div className="row">
              <strong>{client_name === "" ? client_id : client_name}</strong>
              {is_first_party ? null : <ClientDeeds id={client_id} isDisabled={is_disabled} hasSecret={token_endpoint_auth_method.startsWith("client_secret")} made={setSecret} />}
            </div>
            <Facts
              rows={[
                ["client_id", <code>{client_id}</code>],
                [say("status"), <Badge state={is_disabled ? "disabled" : "active"} />],
                [say("redirectUris"), redirect_uris.join(" ")],
                [say("kind"), [token_endpoint_auth_method, ...(is_first_party ? [say("firstParty")] : []), ...(is_dynamic ? [say("registeredItself")] : [])].join(", ")],
              ]}
            />
          </li>
        ))}
      </ul>
      {next === undefined ? null : (
        <button type="button" className="quiet" onClick={() => setAfter(next)}>
          {say("later")}
        </button>
      )}
    </>
  );
}

function Providers() {
  const { data, error, refetch } = useAnswer("upstream_provider.list", {});
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  if (data.providers.length === 0) return <Empty command="cyberun oidc providers create FILE">{say("noProviders")}</Empty>;
  return (
    <ul className="plain">
      {data.providers.map(({ id, display_name, issuer, client_id, provisioning, is_disabled, redirect_uri, source }) => (
        <li key={id}>
          <strong>{display_name}</strong>
          <Facts
            rows={[
              [say("status"), <Badge state={is_disabled ? "disabled" : "active"} />],
              [say("issuer"), <code>{issuer}</code>],
              ["client_id", <code>{client_id}</code>],
              [say("redirectUris"), <code>{redirect_uri}</code>],
              [say("provisioning"), provisioning],
              [say("source"), source],
            ]}
          />
        </li>
      ))}
    </ul>
  );
}

function SigningKeys() {
  const { data, error, refetch } = useAnswer("signing_key.list", {});
  const rotate = useDeed("signing_key.rotate");
  const revoke = useDeed("signing_key.revoke");
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
    <>
      <p>
        <Confirm label={say("rotateKeys")} text={say("rotateKeysSure")} error={rotate.error} act={() => rotate.mutateAsync({ body: {} })} />
      </p>
      <table aria-label={say("signingKeys")}>
        <thead>
          <tr>
            <th scope="col">{say("name")}</th>
            <th scope="col">{say("kind")}</th>
            <th scope="col">{say("status")}</th>
            <th scope="col">{say("signsFrom")}</th>
            <th scope="col">{say("publishedUntil")}</th>
            <th scope="col">{say("actions")}</th>
          </tr>
        </thead>
        <tbody>
          {data.signing_keys.map(({ kid, alg, key_status, active_from, published_until }) => (
            <tr key={kid}>
              <td data-head={say("name")}>
                <code>{kid.slice(0, 12)}…</code>
              </td>
              <td data-head={say("kind")}>{alg}</td>
              <td data-head={say("status")}>
                <Badge state={key_status} />
              </td>
              <td data-head={say("signsFrom")}>{when(active_from)}</td>
              <td data-head={say("publishedUntil")}>{when(published_until)}</td>
              <td data-head={say("actions")}>{key_status === "revoked" || key_status === "gone" ? null : <Confirm label={say("revoke")} text={say("revokeKeySure")} error={revoke.error} act={() => revoke.mutateAsync({ path: { kid } })} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Identity() {
  const site = useSite();
  const has = (feature: string) => site.license?.is_open !== true || hasFeature(site, feature);
  return (
    <>
      <Heading>{say("identity")}</Heading>
      <h2>{say("clients")}</h2>
      {has("global.oidc_provider") ? <Clients /> : <Notice>{say("featureOff")}.</Notice>}
      <h2>{say("providers")}</h2>
      {has("global.oauth") ? <Providers /> : <Notice>{say("featureOff")}.</Notice>}
      <h2>{say("signingKeys")}</h2>
      <SigningKeys />
    </>
  );
}
