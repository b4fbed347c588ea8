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

interface AccountProps {
  readonly id: string;
  readonly address: string;
  readonly status: string;
  readonly linkMade: (link: string) => void;
}

function AccountDeeds({ id, address, status, linkMade }: AccountProps) {
  const reset = useDeed("password_reset.create_link");
  const resetFactor = useDeed("second_factor.reset");
  const remove = useDeed("user.delete");
  const path = { user_id: id };
  return (
    <div className="deeds">
      <ShutOrOpen id={id} status={status} />
      <Confirm label={say("resetLink")} text={say("resetLinkSure")} error={reset.error} act={() => reset.mutateAsync({ body: { email_address: address } }).then(({ reset_url }) => linkMade(reset_url))} />
      <Confirm label={say("takeOff")} text={say("takeOffSure")} error={resetFactor.error} act={() => resetFactor.mutateAsync({ path })} />
      <Confirm label={say("delete")} text={say("deleteUserSure")} error={remove.error} act={() => remove.mutateAsync({ path })} />
    </div>
  );
}

function ShutOrOpen({ id, status }: { readonly id: string; readonly status: string }) {
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
          { head: say("actions"), cell: ({ id, email_address, user_status }) => (id === profile.id ? null : <AccountDeeds id={id} address={email_address} status={user_status} linkMade={setLink} />) },
        ]}
        idOf={({ id }) => id}
        empty={null}
      />
    </>
  );
}
