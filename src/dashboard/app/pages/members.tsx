/** Who belongs to the team, and who is invited. */
import { useState } from "react";
import { pageIn, useAnswer, useDeed, useSite } from "../deployment.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Secret } from "../parts/secret.tsx";
import { Empty, Failure, Heading, Notice } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";

const roles = ["member", "admin", "viewer"].map((role) => [role, role] as const);

function InvitationForm() {
  const create = useDeed("invitation.create");
  const [link, setLink] = useState<string>();
  const send = (fields: FormData) => {
    create.mutateAsync({ body: { email_address: textIn(fields, "email_address"), invitation_role: textIn(fields, "role") } }).then(({ invitation_url = "" }) => setLink(invitation_url), () => {});
  };
  if (link !== undefined && link !== "") return <Secret text={say("invitationMade")} secret={link} done={() => setLink(undefined)} />;
  return (
    <details>
      <summary>{say("invite")}</summary>
      {link === "" ? <Notice tone="good">{say("done")}</Notice> : null}
      <Form label={say("invite")} submit={say("invite")} isBusy={create.isPending} error={create.error} send={send}>
        <Field name="email_address" type="email" label={say("email")} />
        <Field name="role" label={say("role")} value="member" options={roles} />
      </Form>
    </details>
  );
}

function Invitations() {
  const cancel = useDeed("invitation.cancel");
  return (
    <>
      <h2>{say("invitations")}</h2>
      <List
        usePage={(query) => pageIn(useAnswer("invitation.list", { query }), ({ invitation_list }) => invitation_list)}
        label={say("invitations")}
        columns={[
          { head: say("email"), cell: ({ email_address }) => email_address },
          { head: say("role"), cell: ({ invitation_role }) => invitation_role },
          { head: say("expires"), cell: ({ expires_at }) => when(expires_at) },
          {
            head: say("actions"),
            cell: ({ id }) => (
              <button type="button" className="quiet" onClick={() => cancel.mutate({ path: { invitation_id: id } })}>
                {say("takeBack")}
              </button>
            ),
          },
        ]}
        idOf={({ id }) => id}
        empty={<Empty>{say("noInvitations")}</Empty>}
      />
    </>
  );
}

function TeamForm() {
  const { team } = useSite();
  const update = useDeed("team.update");
  return (
    <details>
      <summary>{say("renameTeam")}</summary>
      <Form label={say("renameTeam")} submit={say("save")} isBusy={update.isPending} error={update.error} send={(fields) => update.mutate({ body: { display_name: textIn(fields, "display_name") } })}>
        <Field name="display_name" label={say("name")} value={team?.display_name ?? ""} />
      </Form>
    </details>
  );
}

interface RoleProps {
  readonly name: string;
  readonly role: string;
  readonly choose: (role: string) => void;
}

function RoleChoice({ name, role, choose }: RoleProps) {
  return (
    <select aria-label={`${say("role")}: ${name}`} value={role} onChange={(event) => choose(event.target.value)}>
      {roles.map(([each, text]) => (
        <option key={each} value={each}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Members() {
  const { profile } = useSite();
  const remove = useDeed("member.remove");
  const setRole = useDeed("member.set_role");
  return (
    <>
      <Heading>{say("members")}</Heading>
      <InvitationForm />
      <TeamForm />
      {setRole.error === null ? null : <Failure error={setRole.error} />}
      <List
        usePage={(query) => pageIn(useAnswer("member.list", { query }), ({ member_list }) => member_list)}
        label={say("members")}
        columns={[
          { head: say("name"), cell: ({ display_name }) => display_name },
          { head: say("email"), cell: ({ email_address }) => email_address },
          { head: say("role"), cell: ({ user_id, display_name, role }) => (user_id === profile.id || role === "owner" ? role : <RoleChoice name={display_name} role={role} choose={(next) => setRole.mutate({ path: { user_id }, body: { role: next } })} />) },
          { head: say("since"), cell: ({ created_at }) => when(created_at) },
          { head: say("actions"), cell: ({ user_id, role }) => (user_id === profile.id || role === "owner" ? null : <Confirm label={say("remove")} text={say("removeSure")} error={remove.error} act={() => remove.mutateAsync({ path: { user_id } })} />) },
        ]}
        idOf={({ user_id }) => user_id}
        empty={null}
      />
      <Invitations />
    </>
  );
}
