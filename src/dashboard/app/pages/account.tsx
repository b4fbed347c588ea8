/** One's own account: where one is signed in, and which devices are paired. */
import { hasFeature, pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Empty, Failure, Heading, Loading } from "../parts/pieces.tsx";
import { SecondFactor } from "./second-factor.tsx";
import { say, when } from "../words.ts";

function Sessions() {
  const { data, error, refetch } = useAnswer("session.list", {});
  const end = useDeed("session.end_own");
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  return (
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

export function Account() {
  const site = useSite();
  const { profile } = site;
  return (
    <>
      <Heading>{profile.display_name}</Heading>
      <p>{profile.email_address}</p>
      <h2>{say("secondFactor")}</h2>
      <SecondFactor />
      <h2>{say("sessions")}</h2>
      <Sessions />
      <h2>{say("devices")}</h2>
      <Devices />
      {hasFeature(site, "account.manual_team_creation") ? <TeamForm /> : null}
    </>
  );
}
