/** The second factor of one's own account: enrolled with an app, its recovery codes, taken off again. */
import { useState } from "react";
import { useAnswer, useDeed } from "../deployment.ts";
import { Field, Form, textIn } from "../parts/field.tsx";
import { Failure, Loading, Notice } from "../parts/pieces.tsx";
import { say } from "../words.ts";

function RecoveryCodes({ codes, done }: { readonly codes: readonly string[]; readonly done: () => void }) {
  return (
    <Notice tone="good">
      <p>{say("recoveryCodes")}</p>
      <pre tabIndex={0}>
        <code id="recovery-codes">{codes.join("\n")}</code>
      </pre>
      <button type="button" className="quiet" onClick={done}>
        {say("done")}
      </button>
    </Notice>
  );
}

/** First the password, then the app is told the secret, then it proves that it knows it. */
function Enrol({ enrolled }: { readonly enrolled: (codes: readonly string[]) => void }) {
  const enrol = useDeed("second_factor.enrol");
  const confirm = useDeed("second_factor.confirm");
  if (enrol.data === undefined) {
    return (
      <Form label={say("enrol")} submit={say("enrol")} isBusy={enrol.isPending} error={enrol.error} send={(fields) => enrol.mutate({ body: { current_password: textIn(fields, "current_password") } })}>
        <Field name="current_password" type="password" label={say("password")} note={say("enrolNote")} />
      </Form>
    );
  }
  const { secret, otpauth_url } = enrol.data;
  return (
    <Form label={say("confirmCode")} submit={say("confirmCode")} isBusy={confirm.isPending} error={confirm.error} send={(fields) => void confirm.mutateAsync({ body: { code: textIn(fields, "code") } }).then(({ recovery_codes }) => enrolled(recovery_codes), () => {})}>
      <p>{say("tellApp")}</p>
      <pre tabIndex={0}>
        <code id="factor-secret">{secret}</code>
      </pre>
      <p>
        <a href={otpauth_url}>{say("openApp")}</a>
      </p>
      <Field name="code" label={say("code")} />
    </Form>
  );
}

function TakeOff() {
  const remove = useDeed("second_factor.remove");
  return (
    <details>
      <summary>{say("takeOff")}</summary>
      <Form label={say("takeOff")} submit={say("takeOff")} isBusy={remove.isPending} error={remove.error} send={(fields) => remove.mutate({ body: { current_password: textIn(fields, "current_password"), code: textIn(fields, "code") } })}>
        <Field name="current_password" type="password" label={say("password")} />
        <Field name="code" label={say("code")} />
      </Form>
    </details>
  );
}

export function SecondFactor() {
  const { data, error, refetch } = useAnswer("second_factor.read", {});
  const [codes, setCodes] = useState<readonly string[]>();
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  if (codes !== undefined) return <RecoveryCodes codes={codes} done={() => setCodes(undefined)} />;
  if (!data.is_enrolled) return <Enrol enrolled={setCodes} />;
  return (
    <>
      <p id="second-factor">
        {say("isEnrolled")} {data.recovery_codes_left} {say("codesLeft")}
      </p>
      <TakeOff />
    </>
  );
}
