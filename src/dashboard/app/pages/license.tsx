/** The license: how it stands, what it carries, and a new file for administrators, also while everything else is shut. */
import { useDeed, useSite } from "../deployment.ts";
import { licenseWords } from "../license-words.ts";
import { Form } from "../parts/field.tsx";
import { Badge, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { language, say, when } from "../words.ts";
import { daysUntil } from "./overview.tsx";

function Upload() {
  const upload = useDeed("license.upload");
  const send = (fields: FormData) => {
    const file = fields.get("license_file");
    if (file instanceof File) void file.text().then((license_file) => upload.mutateAsync({ body: { license_file } })).catch(() => {});
  };
  return (
    <section>
      <h2>{say("upload")}</h2>
      {upload.isSuccess ? <Notice tone="good">{say("uploaded")}</Notice> : null}
      <Form label={say("upload")} submit={say("install")} isBusy={upload.isPending} error={upload.error} send={send}>
        <div className="field">
          <label htmlFor="license-file">{say("file")}</label>
          <input id="license-file" name="license_file" type="file" required accept=".lic,text/plain" aria-describedby="license-note" />
          <p className="note" id="license-note">
            {say("uploadNote")}
          </p>
        </div>
      </Form>
    </section>
  );
}

function Carried({ features }: { readonly features: Readonly<Record<string, Readonly<Record<string, boolean>>>> }) {
  const all = Object.entries(features).flatMap(([namespace, keys]) => Object.entries(keys).map(([key, isOn]) => ({ name: `${namespace}.${key}`, isOn })));
  return (
    <section>
      <h2>{say("features")}</h2>
      <ul className="features">
        {all.map(({ name, isOn }) => (
          <li key={name} className={isOn ? "good" : "soft"}>
            {name}: {say(isOn ? "on" : "off")}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function License() {
  const { license: standing, profile } = useSite();
  if (standing === undefined) return <Loading />;
  const { state, is_open, reason, license, features, grace_ends_at } = standing;
  return (
    <>
      <Heading>{say("license")}</Heading>
      <p id="license-state">
        <Badge state={state} />
      </p>
      {is_open && state === "ok" ? null : (
        <Notice tone={is_open ? "warn" : "bad"}>
          {licenseWords(state).map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
          {language === "en" ? <p>{reason}</p> : null}
          {grace_ends_at === null ? null : <p>{when(grace_ends_at)}</p>}
        </Notice>
      )}
      {license === null ? null : (
        <dl>
          <dt>{say("customer")}</dt>
          <dd>{license.customer_name}</dd>
          <dt>{say("deployment")}</dt>
          <dd>{license.deployment_id}</dd>
          <dt>{say("license")}</dt>
          <dd>
            <code>{license.license_id}</code>
          </dd>
          <dt>{say("sequence")}</dt>
          <dd>{license.sequence}</dd>
          <dt>{say("template")}</dt>
          <dd>{license.template}</dd>
          <dt>{say("expires")}</dt>
          <dd>
            {when(license.expires_at)}
            {license.expires_at === null ? "" : ` (${daysUntil(license.expires_at)} ${say("daysLeft")})`}
          </dd>
        </dl>
      )}
      {profile.is_administrator ? <Upload /> : null}
      <Carried features={features} />
    </>
  );
}
