/** The license: how it stands, what it carries, what became of it, and a new file for administrators, also while everything else is shut. */
import { pageIn, useAnswer, useSite } from "../deployment.ts";
import { licenseWords } from "../license-words.ts";
import { Facts } from "../parts/facts.tsx";
import { List } from "../parts/list.tsx";
import { Badge, Empty, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { daysText, daysUntil, language, say, when } from "../words.ts";
import { LicenseUpload } from "./license-upload.tsx";

type Values<Value> = Readonly<Record<string, Readonly<Record<string, Value>>>>;

const UNLIMITED = -1;

function Carried({ features, quotas }: { readonly features: Values<boolean>; readonly quotas: Values<number> }) {
  return (
    <section>
      <h2>{say("carried")}</h2>
      <div className="cards">
        {Object.entries(features).map(([namespace, keys]) => (
          <div key={namespace} className="card">
            <h3>{namespace}</h3>
            <ul className="features">
              {Object.entries(keys).map(([key, isOn]) => (
                <li key={key} className={isOn ? "good" : "soft"}>
                  {key}: {say(isOn ? "on" : "off")}
                </li>
              ))}
              {Object.entries(quotas[namespace] ?? {}).map(([key, limit]) => (
                <li key={key}>
                  {key}: {limit === UNLIMITED ? say("unlimited") : limit}
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </section>
  );
}

/** When it ends, and in how many days where that is still to come. */
function endText(instant: string): string {
  const days = daysUntil(instant);
  return days < 0 ? when(instant) : `${when(instant)} (${daysText(days)})`;
}

function detailText(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`).join(", ");
}

/** What was done to the license and what became of it, from the audit log. */
function History() {
  return (
    <section>
      <h2>{say("history")}</h2>
      <List
        usePage={(query) => pageIn(useAnswer("audit.list", { query: { ...query, operation: "license" } }), ({ audit_list }) => audit_list)}
        label={say("history")}
        columns={[
          { head: say("time"), cell: ({ created_at }) => when(created_at) },
          { head: say("operation"), cell: ({ operation }) => <code>{operation}</code> },
          { head: say("outcome"), cell: ({ outcome }) => <Badge state={outcome} /> },
          { head: say("actor"), cell: ({ actor }) => <code>{actor}</code> },
          { head: say("subject"), cell: ({ subject, details }) => <code>{[subject ?? "", detailText(details)].filter((part) => part !== "").join(" · ")}</code> },
        ]}
        idOf={({ id }) => id}
        empty={<Empty>{say("noHistory")}</Empty>}
      />
    </section>
  );
}

export function License() {
  const { license: standing, profile } = useSite();
  if (standing === undefined) return <Loading />;
  const { state, is_open, reason, license, features, quotas, grace_ends_at } = standing;
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
          {grace_ends_at === null ? null : (
            <p>
              {say("graceEnds")}: {when(grace_ends_at)}
            </p>
          )}
        </Notice>
      )}
      {license === null ? null : (
        <Facts
          rows={[
            [say("customer"), license.customer_name],
            [say("deployment"), license.deployment_id],
            [say("license"), <code>{license.license_id}</code>],
            [say("sequence"), license.sequence],
            [say("template"), license.template],
            [say("expires"), license.expires_at === null ? when(null) : endText(license.expires_at)],
          ]}
        />
      )}
      {profile.is_administrator ? <LicenseUpload /> : null}
      {is_open ? <Carried features={features} quotas={quotas} /> : null}
      {profile.is_administrator ? <History /> : null}
    </>
  );
}
