/** Other sites whose people may come here: this site's own key and bundle, the sites that are pinned, and the rules for each. */
import { useState } from "react";
import type { Answer } from "../../../../client/api.d.ts";
import { useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { Badge, Empty, Failure, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { say, when } from "../words.ts";

type Site = Answer<"federation_site.list">["sites"][number];

const rolesOfVisitors = ["viewer", "member", "admin"].map((role) => [role, role] as const);
const yesNo = () => [["no", say("off")], ["yes", say("on")]] as const;
const mappings = () => [["link", say("mappingLink")], ["create", say("mappingCreate")], ["refuse", say("mappingRefuse")]] as const;

/** What this site shows of itself to others. */
function OwnSite() {
  const { data, error, refetch } = useAnswer("federation_site_key.read", {});
  const keys = useAnswer("federation_keys.read", {});
  const bundle = useDeed("federation_bundle.export");
  const [made, setMade] = useState<string>();
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
    <>
      <Facts
        rows={[
          [say("fingerprint"), <code>{data.fingerprint}</code>],
          [say("issuer"), <code>{data.issuer}</code>],
          ...(keys.data === undefined || keys.data.standing === "alone" ? [] : [[say("sharedKeys"), <><Badge state={keys.data.state} /> {keys.data.standing}</>] as const]),
        ]}
      />
      {bundle.error === null ? null : <Failure error={bundle.error} />}
      {made === undefined ? (
        <p>
          <button type="button" className="quiet" disabled={bundle.isPending} onClick={() => bundle.mutateAsync({ body: {} }).then(({ bundle: text }) => setMade(text), () => {})}>
            {say("exportBundle")}
          </button>
        </p>
      ) : (
        <Secret text={say("bundleMade")} secret={made} done={() => setMade(undefined)} />
      )}
    </>
  );
}

function RuleFields({ rules }: { readonly rules?: Site["rules"] }) {
  return (
    <>
      <Field name="mapping" label={say("mapping")} value={rules?.mapping ?? "link"} options={mappings()} />
      <Field name="role" label={say("roleMost")} value={rules?.role ?? "member"} options={rolesOfVisitors} />
      <Field name="sign_in" label={say("offersSignIn")} value={rules?.sign_in === true ? "yes" : "no"} options={yesNo()} />
      <Field name="refresh" label={say("refreshes")} value={rules?.refresh === true ? "yes" : "no"} options={yesNo()} />
    </>
  );
}

function rulesIn(fields: FormData) {
  return { mapping: textIn(fields, "mapping"), role: textIn(fields, "role"), sign_in: textIn(fields, "sign_in") === "yes", refresh: textIn(fields, "refresh") === "yes" };
}

/** A first bundle needs the fingerprint that the other operator read out; a later one of the same site does not. */
function BundleForm() {
  const add = useDeed("federation_site.add");
  const renew = useDeed("federation_site.import");
  const send = (fields: FormData) => {
    const file = fields.get("bundle_file");
    if (!(file instanceof File)) return;
    const fingerprint = textIn(fields, "fingerprint").trim();
    const id = textIn(fields, "id").trim();
    void file.text().then((text) => {
      const bundle = text.trim();
      if (fingerprint === "") renew.mutate({ body: { bundle } });
      else add.mutate({ body: { bundle, fingerprint, ...(id === "" ? {} : { id }), ...rulesIn(fields) } });
    });
  };
  return (
    <details>
      <summary>{say("addBundle")}</summary>
      {add.isSuccess || renew.isSuccess ? <Notice tone="good">{say("done")}</Notice> : null}
      <Form label={say("addBundle")} submit={say("addBundle")} isBusy={add.isPending || renew.isPending} error={add.error ?? renew.error} send={send}>
        <div className="field">
          <label htmlFor="bundle-file">{say("file")}</label>
          <input id="bundle-file" name="bundle_file" type="file" required />
        </div>
        <Field name="fingerprint" label={say("fingerprint")} required={false} note={say("fingerprintNote")} />
        <Field name="id" label={say("shortName")} required={false} />
        <RuleFields />
      </Form>
    </details>
  );
}

function SiteRow({ site }: { readonly site: Site }) {
  const update = useDeed("federation_site.update");
  const remove = useDeed("federation_site.remove");
  const path = { id: site.id };
  return (
    <li>
      <div className="row">
        <strong>{site.id}</strong>
        <Confirm label={say("shutOut")} text={say("shutOutSure")} error={remove.error} act={() => remove.mutateAsync({ path })} />
      </div>
      <Facts
        rows={[
          [say("status"), <><Badge state={site.state} /> {say("expires")} {when(site.expires_at)}</>],
          [say("issuer"), <code>{site.issuer}</code>],
          [say("fingerprint"), <code>{site.fingerprint}</code>],
          [say("mapping"), `${site.rules.mapping}, ${site.rules.role}`],
          ...(site.problem === null ? [] : [[say("reason"), site.problem] as const]),
        ]}
      />
      <details>
        <summary>{say("rules")}</summary>
        <Form label={`${say("rules")}: ${site.id}`} submit={say("save")} isBusy={update.isPending} error={update.error} send={(fields) => update.mutate({ path, body: rulesIn(fields) })}>
          <RuleFields rules={site.rules} />
        </Form>
      </details>
    </li>
  );
}

export function Federation() {
  const { data, error, refetch } = useAnswer("federation_site.list", {});
  return (
    <>
      <Heading>{say("federation")}</Heading>
      <p>{say("federationText")}</p>
      <h2>{say("ownSite")}</h2>
      <OwnSite />
      <h2>{say("otherSites")}</h2>
      <BundleForm />
      {data === undefined ? error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} /> : null}
      {data?.sites.length === 0 ? <Empty>{say("noSites")}</Empty> : null}
      <ul className="plain" id="sites">
        {data?.sites.map((site) => (
          <SiteRow key={site.id} site={site} />
        ))}
      </ul>
    </>
  );
}
