/** Keys of the team: made, shown once, rotated, revoked. */
import { useState } from "react";
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Secret } from "../parts/secret.tsx";
import { Badge, Empty, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

const OVERLAP_SECONDS = 86_400;

function KeyDeeds({ id, made }: { readonly id: string; readonly made: (key: string) => void }) {
  const rotate = useDeed("credential.rotate");
  const revoke = useDeed("credential.revoke");
  const path = { credential_id: id };
  return (
    <>
      <Confirm label={say("rotate")} text={say("rotateSure")} error={rotate.error} act={() => rotate.mutateAsync({ path, body: { overlap_seconds: OVERLAP_SECONDS } }).then(({ raw_key }) => made(raw_key))} />{" "}
      <Confirm label={say("revoke")} text={say("revokeSure")} error={revoke.error} act={() => revoke.mutateAsync({ path })} />
    </>
  );
}

function KeyForm({ made }: { readonly made: (key: string) => void }) {
  const create = useDeed("credential.create");
  const send = (fields: FormData) => {
    create.mutateAsync({ body: { kind: textIn(fields, "kind"), display_name: textIn(fields, "display_name") } }).then(({ raw_key }) => made(raw_key), () => {});
  };
  return (
    <details>
      <summary>{say("createKey")}</summary>
      <Form label={say("createKey")} submit={say("create")} isBusy={create.isPending} error={create.error} send={send}>
        <Field name="display_name" label={say("name")} />
        <Field name="kind" label={say("kind")} value="integration" options={[["integration", say("integration")], ["agent", say("agentKind")]]} />
      </Form>
    </details>
  );
}

export function Keys() {
  const [secret, setSecret] = useState<string>();
  return (
    <>
      <Heading>{say("keys")}</Heading>
      {secret === undefined ? <KeyForm made={setSecret} /> : <Secret text={say("keyMade")} secret={secret} done={() => setSecret(undefined)} />}
      <List
        usePage={(query) => pageIn(useAnswer("credential.list", { query }), ({ credentials }) => credentials)}
        label={say("keys")}
        columns={[
          { head: say("name"), cell: ({ display_name }) => display_name },
          { head: say("kind"), cell: ({ kind }) => kind },
          { head: say("prefix"), cell: ({ key_prefix }) => <code>{key_prefix}</code> },
          { head: say("status"), cell: ({ key_status }) => <Badge state={key_status} /> },
          { head: say("lastUsed"), cell: ({ last_used_at }) => (last_used_at === null ? say("notYet") : when(last_used_at)) },
          { head: say("expires"), cell: ({ expires_at }) => (expires_at === null ? say("never") : when(expires_at)) },
          { head: say("actions"), cell: ({ id, kind, key_status }) => (kind === "device" || key_status !== "active" ? null : <KeyDeeds id={id} made={setSecret} />) },
        ]}
        idOf={({ id }) => id}
        empty={<Empty>{say("noKeys")}</Empty>}
      />
    </>
  );
}
