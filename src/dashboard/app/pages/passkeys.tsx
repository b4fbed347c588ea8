/** One's own passkeys: added with the password or with one that is there already, and taken away in the same way. */
import { useState } from "react";
import { useAnswer, useDeed, useSite } from "../deployment.ts";
import { Field, Form, textIn } from "../parts/field.tsx";
import { Failure, Loading, Notice } from "../parts/pieces.tsx";
import { Secret } from "../parts/secret.tsx";
import { answerPasskey, createPasskey, hasPasskeys } from "../passkeys.ts";
import { say, when } from "../words.ts";

/** Proves that the owner is here: by the password that was typed, or by a passkey where none was. */
function useProof() {
  const { api } = useSite();
  return async (fields: FormData) => {
    const current_password = textIn(fields, "current_password");
    if (current_password !== "") return { current_password };
    return { passkey: await answerPasskey(await api.call("passkey.begin_proof", {})) };
  };
}

function ProofField() {
  return <Field name="current_password" type="password" label={say("password")} required={false} note={say("proofNote")} />;
}

/** What went wrong in the browser itself has no words of the API's. */
function useAttempt() {
  const [isBusy, setBusy] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  const attempt = (task: () => Promise<void>) => {
    setBusy(true);
    setFailed(false);
    task().catch(() => setFailed(true)).finally(() => setBusy(false));
  };
  return { isBusy, hasFailed, attempt };
}

function AddPasskey({ codesMade }: { readonly codesMade: (codes: readonly string[]) => void }) {
  const enrol = useDeed("passkey.enrol");
  const add = useDeed("passkey.add");
  const proof = useProof();
  const { isBusy, hasFailed, attempt } = useAttempt();
  const send = (fields: FormData) =>
    attempt(async () => {
      const credential = await createPasskey(await enrol.mutateAsync({ body: await proof(fields) }));
      const { recovery_codes } = await add.mutateAsync({ body: { display_name: textIn(fields, "display_name"), credential } });
      if (recovery_codes !== null) codesMade(recovery_codes);
    });
  return (
    <details>
      <summary>{say("addPasskey")}</summary>
      <Form label={say("addPasskey")} submit={say("addPasskey")} isBusy={isBusy} error={enrol.error ?? add.error} send={send}>
        {hasFailed && enrol.error === null && add.error === null ? <Notice tone="warn">{say("passkeyFailed")}</Notice> : null}
        <Field name="display_name" label={say("name")} note={say("passkeyNameNote")} />
        <ProofField />
      </Form>
    </details>
  );
}

function RemovePasskey({ id, name }: { readonly id: string; readonly name: string }) {
  const remove = useDeed("passkey.remove");
  const proof = useProof();
  const { isBusy, hasFailed, attempt } = useAttempt();
  return (
    <details>
      <summary>{say("remove")}</summary>
      <Form label={`${say("remove")}: ${name}`} submit={say("remove")} isBusy={isBusy} error={remove.error} send={(fields) => attempt(async () => void (await remove.mutateAsync({ path: { passkey_id: id }, body: await proof(fields) })))}>
        {hasFailed && remove.error === null ? <Notice tone="warn">{say("passkeyFailed")}</Notice> : null}
        <ProofField />
      </Form>
    </details>
  );
}

export function Passkeys() {
  const { data, error, refetch } = useAnswer("passkey.list", {});
  const [codes, setCodes] = useState<readonly string[]>();
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
    <>
      {codes === undefined ? null : <Secret text={say("recoveryCodes")} secret={codes.join("\n")} done={() => setCodes(undefined)} />}
      {data.passkey_list.length === 0 ? <p className="note">{say("noPasskeys")}</p> : null}
      <ul className="plain" id="passkeys">
        {data.passkey_list.map(({ id, display_name, created_at, last_used_at }) => (
          <li key={id}>
            <strong>{display_name}</strong> · {when(created_at)} · {say("lastUsed")}: {last_used_at === null ? say("notYet") : when(last_used_at)}
            <RemovePasskey id={id} name={display_name} />
          </li>
        ))}
      </ul>
      {hasPasskeys() ? <AddPasskey codesMade={setCodes} /> : <p className="note">{say("passkeysNotHere")}</p>}
    </>
  );
}
