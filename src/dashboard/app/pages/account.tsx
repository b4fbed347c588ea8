/** One's own account: names and password, what else proves who one is, where one is signed in, and what is connected. */
import { hasFeature, pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Empty, Failure, Heading, Loading, Notice } from "../parts/pieces.tsx";
import { Consents, Identities } from "./connections.tsx";
import { Passkeys } from "./passkeys.tsx";
import { SecondFactor } from "./second-factor.tsx";
import { say, when } from "../words.ts";

function Sessions() {
  const { data, error, refetch } = useAnswer("session.list", {});
  const end = useDeed("session.end_own");
  const endOthers = useDeed("session.end_others");
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
    <>
      <ul className="plain">
        {data.session_list.map(({ id, kind, created_at, address, is_current }) => (
          <li key={id} className="row">
            <span>
              {kind} · {when(created_at)} · {address ?? "–"} {is_current ? <strong>({say("thisOne")})</strong> : null}
            </span>
            {is_current ? null : <Confirm label={say("end")} text={say("endSure")} error={end.error} act={() => end.mutateAsync({ path: { session_id: id } })} />}
          </li>
        ))}
      </ul>
      {data.session_list.length < 2 ? null : <Confirm label={say("endOthers")} text={say("endSure")} error={endOthers.error} act={() => endOthers.mutateAsync({})} />}
    </>
  );
}

function Devices() {
  const revoke = useDeed("device.revoke");
  return (
    <List
      usePage={(query) => pageIn(useAnswer("device.list", { query }), ({ device_list }) => device_list)}
      label={say("devices")}
      columns={[
        { head: say("name"), cell: ({ display_name }) => display_name },
        { head: say("team"), cell: ({ team_name }) => team_name },
        { head: say("lastUsed"), cell: ({ last_used_at }) => (last_used_at === null ? say("notYet") : when(last_used_at)) },
        { head: say("actions"), cell: ({ id }) => <Confirm label={say("revoke")} text={say("revokeSure")} error={revoke.error} act={() => revoke.mutateAsync({ path: { device_id: id } })} /> },
      ]}
      idOf={({ id }) => id}
      empty={<Empty>{say("noDevices")}</Empty>}
    />
  );
}

function TeamForm() {
  const create = useDeed("team.create");
  return (
    <>
      <h2>{say("createTeam")}</h2>
      <Form label={say("createTeam")} submit={say("create")} isBusy={create.isPending} error={create.error} send={(fields) => create.mutate({ body: { display_name: textIn(fields, "display_name") } })}>
        <Field name="display_name" label={say("name")} />
      </Form>
    </>
  );
}

function PasswordForm() {
  const change = useDeed("user.change_password");
  return (
    <details>
      <summary>{say("changePassword")}</summary>
      {change.isSuccess ? <Notice tone="good">{say("passwordChanged")}</Notice> : null}
      <Form label={say("changePassword")} submit={say("changePassword")} isBusy={change.isPending} error={change.error} send={(fields) => change.mutate({ body: { current_password: textIn(fields, "current_password"), new_password: textIn(fields, "new_password") } })}>
        <Field name="current_password" type="password" label={say("password")} />
        <Field name="new_password" type="password" label={say("newPassword")} />
      </Form>
    </details>
  );
}

function NameForm() {
  const { profile } = useSite();
  const update = useDeed("user.update_self");
  return (
    <details>
      <summary>{say("changeName")}</summary>
      <Form label={say("changeName")} submit={say("save")} isBusy={update.isPending} error={update.error} send={(fields) => update.mutate({ body: { first_name: textIn(fields, "first_name"), last_name: textIn(fields, "last_name"), display_name: textIn(fields, "display_name") } })}>
        <Field name="first_name" label={say("firstName")} value={profile.first_name} />
        <Field name="last_name" label={say("lastName")} value={profile.last_name} />
        <Field name="display_name" label={say("displayName")} value={profile.display_name} />
      </Form>
    </details>
  );
}

export function Account() {
  const site = useSite();
  const { profile } = site;
  return (
    <>
      <Heading>{profile.display_name}</Heading>
      <p>{profile.email_address}</p>
      <NameForm />
      <PasswordForm />
      <h2>{say("secondFactor")}</h2>
      <SecondFactor />
      <h2>{say("passkeys")}</h2>
      <Passkeys />
      <h2>{say("sessions")}</h2>
      <Sessions />
      <h2>{say("devices")}</h2>
      <Devices />
      <h2>{say("identities")}</h2>
      <Identities />
      <h2>{say("consents")}</h2>
      <Consents />
      {hasFeature(site, "account.manual_team_creation") ? <TeamForm /> : null}
    </>
  );
}
