/** The accounts of the deployment, for its administrators. */
import { useState } from "react";
import { pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Secret } from "../parts/secret.tsx";
import { Badge, Heading } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

function AccountForm({ made }: { readonly made: (link: string) => void }) {
  const create = useDeed("user.create");
  const send = (fields: FormData) => {
    const body = { email_address: textIn(fields, "email_address"), first_name: textIn(fields, "first_name"), last_name: textIn(fields, "last_name") };
    create.mutateAsync({ body }).then(({ reset_url }) => made(reset_url), () => {});
  };
  return (
    <details>
      <summary>{say("createAccount")}</summary>
      <Form label={say("createAccount")} submit={say("create")} isBusy={create.isPending} error={create.error} send={send}>
        <Field name="email_address" type="email" label={say("email")} />
        <Field name="first_name" label={say("firstName")} />
        <Field name="last_name" label={say("lastName")} />
      </Form>
    </details>
  );
}

function AccountDeed({ id, status }: { readonly id: string; readonly status: string }) {
  const disable = useDeed("user.disable");
  const enable = useDeed("user.enable");
  const input = { path: { user_id: id } };
  if (status === "disabled") return <Confirm label={say("enable")} text={say("enableSure")} error={enable.error} act={() => enable.mutateAsync(input)} />;
  return <Confirm label={say("disable")} text={say("disableSure")} error={disable.error} act={() => disable.mutateAsync(input)} />;
}

export function Users() {
  const { profile } = useSite();
  const [link, setLink] = useState<string>();
  return (
    <>
      <Heading>{say("users")}</Heading>
      {link === undefined ? <AccountForm made={setLink} /> : <Secret text={say("accountMade")} secret={link} done={() => setLink(undefined)} />}
      <List
        usePage={(query) => pageIn(useAnswer("user.list", { query }), ({ user_list }) => user_list)}
        label={say("users")}
        columns={[
          { head: say("name"), cell: ({ display_name }) => display_name },
          { head: say("email"), cell: ({ email_address }) => email_address },
          { head: say("role"), cell: ({ is_administrator }) => (is_administrator ? say("administrator") : "–") },
          { head: say("status"), cell: ({ user_status }) => <Badge state={user_status} /> },
          { head: say("since"), cell: ({ created_at }) => when(created_at) },
          { head: say("actions"), cell: ({ id, user_status }) => (id === profile.id ? null : <AccountDeed id={id} status={user_status} />) },
        ]}
        idOf={({ id }) => id}
        empty={null}
      />
    </>
  );
}
