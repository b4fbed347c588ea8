/** A new license file: first what it would do, beside the license in force, and then, where the reader wants that, done. */
import { useState } from "react";
import type { Answer } from "../../../../client/api.d.ts";
import { useDeed } from "../deployment.ts";
import { Facts } from "../parts/facts.tsx";
import { Form } from "../parts/field.tsx";
import { Badge, Failure, Notice } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

type Test = Answer<"license.request_test">;

const instants: readonly string[] = ["expires_at", "not_before"];

function shown({ key }: Test["differences"][number], value: string | number | boolean | null): string {
  if (value === null) return "–";
  if (typeof value === "boolean") return say(value ? "on" : "off");
  return instants.includes(key) && typeof value === "string" ? when(value) : value === -1 ? say("unlimited") : String(value);
}

function Differences({ differences }: Pick<Test, "differences">) {
  if (differences.length === 0) return <p className="note">{say("noDifference")}</p>;
  return (
    <table aria-label={say("differences")}>
      <thead>
        <tr>
          <th scope="col">{say("differences")}</th>
          <th scope="col">{say("now")}</th>
          <th scope="col">{say("then")}</th>
        </tr>
      </thead>
      <tbody>
        {differences.map((difference) => (
          <tr key={difference.key}>
            <td data-head={say("differences")}>
              <code>{difference.key}</code>
            </td>
            <td data-head={say("now")}>{shown(difference, difference.from)}</td>
            <td data-head={say("then")}>{shown(difference, difference.to)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the License Server says that the file would do. */
function Told({ test }: { readonly test: Test }) {
  const { outcome, message, state, license, differences, warnings } = test;
  return (
    <>
      <Notice tone={outcome === "refused" ? "bad" : "info"}>
        <p>{message}</p>
        {outcome === "accepted" ? (
          <p>
            {say("stateThen")}: <Badge state={state} />
          </p>
        ) : null}
      </Notice>
      {license === null ? null : (
        <Facts
          rows={[
            [say("license"), <code>{license.license_id}</code>],
            [say("deployment"), license.deployment_id],
            [say("sequence"), license.sequence],
            [say("template"), license.template],
            [say("expires"), when(license.expires_at)],
          ]}
        />
      )}
      {outcome === "unchanged" ? null : <Differences differences={differences} />}
      {warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
    </>
  );
}

export function LicenseUpload() {
  const inspect = useDeed("license.request_test");
  const upload = useDeed("license.upload");
  const [file, setFile] = useState<string>();
  const again = () => {
    setFile(undefined);
    inspect.reset();
    upload.reset();
  };
  const send = (fields: FormData) => {
    const chosen = fields.get("license_file");
    if (!(chosen instanceof File)) return;
    void chosen.text().then(async (license_file) => {
      upload.reset();
      await inspect.mutateAsync({ body: { license_file } });
      setFile(license_file);
    }, () => {}).catch(() => {});
  };
  return (
    <section>
      <h2>{say("upload")}</h2>
      {upload.isSuccess ? <Notice tone="good">{say("uploaded")}</Notice> : null}
      {file === undefined || inspect.data === undefined || upload.isSuccess ? (
        <Form label={say("upload")} submit={say("inspect")} isBusy={inspect.isPending} error={inspect.error} send={send}>
          <div className="field">
            <label htmlFor="license-file">{say("file")}</label>
            <input id="license-file" name="license_file" type="file" required accept=".lic,text/plain" aria-describedby="license-note" />
            <p className="note" id="license-note">
              {say("uploadNote")}
            </p>
          </div>
        </Form>
      ) : (
        <div id="license-test">
          <Told test={inspect.data} />
          {upload.error === null ? null : <Failure error={upload.error} />}
          <div className="row">
            {inspect.data.outcome === "accepted" ? (
              <button type="button" disabled={upload.isPending} onClick={() => upload.mutate({ body: { license_file: file } })}>
                {say("install")}
              </button>
            ) : null}
            <button type="button" className="quiet" onClick={again}>
              {say("otherFile")}
            </button>
          </div>
        </div>
      )}
    </section>
  );
}
