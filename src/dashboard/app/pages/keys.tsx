/** Keys of the team: made, shown once, rotated, revoked. */
import { useState } from "react";
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Secret } from "../parts/secret.tsx";
import { Badge, Empty, Heading } from "../parts/pieces.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { say, when } from "../words.ts";

const OVERLAP_SECONDS = 86_400;

interface KeyDeedsProps {
  readonly id: string;
  /** A device gets a new key by being paired anew. */
  readonly canRotate: boolean;
  readonly made: (key: string) => void;
}

function KeyDeeds({ id, canRotate, made }: KeyDeedsProps) {
  const rotate = useDeed("credential.rotate");
  const revoke = useDeed("credential.revoke");
  const path = { credential_id: id };
  return (
    <>
      {canRotate ? <Confirm label={say("rotate")} text={say("rotateSure")} error={rotate.error} act={() => rotate.mutateAsync({ path, body: { overlap_seconds: OVERLAP_SECONDS } }).then(({ raw_key }) => made(raw_key))} /> : null}{" "}
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

const kinds = ["integration", "agent", "device"] as const;
type Kind = (typeof kinds)[number];

export function Keys() {
  const [kind, choose] = useState<Kind>("integration");
  const [secret, setSecret] = useState<string>();
  return (
    <>
      <Heading>{say("keys")}</Heading>
      {secret === undefined ? <KeyForm made={setSecret} /> : <Secret text={say("keyMade")} secret={secret} done={() => setSecret(undefined)} />}
      <Tabs label={say("kind")} value={kind} options={[["integration", say("integrationTab")], ["agent", say("agentTab")], ["device", say("deviceTab")]]} choose={choose} />
      <List
        key={kind}
        usePage={(query) => pageIn(useAnswer("credential.list", { query: { ...query, kind } }), ({ credentials }) => credentials)}
        label={say("keys")}
        columns={[
          { head: say("name"), cell: ({ display_name }) => display_name },
          { head: say("prefix"), cell: ({ key_prefix }) => <code>{key_prefix}</code> },
          { head: say("status"), cell: ({ key_status }) => <Badge state={key_status} /> },
          { head: say("lastUsed"), cell: ({ last_used_at }) => (last_used_at === null ? say("notYet") : when(last_used_at)) },
          { head: say("expires"), cell: ({ expires_at }) => (expires_at === null ? say("never") : when(expires_at)) },
          { head: say("actions"), cell: (key) => (key.key_status === "active" ? <KeyDeeds id={key.id} canRotate={key.kind !== "device"} made={setSecret} /> : null) },
        ]}
        idOf={({ id }) => id}
        empty={kind === "device" ? <Empty command="cyberun login">{say("noDeviceKeys")}</Empty> : <Empty>{say("noKeys")}</Empty>}
      />
    </>
  );
}
