/** `cyberun license join-token` and `cyberun license clients`: who may get leases from this License Server. */
import { createJoinToken, listLeaseClients, revokeLeaseClient } from "../roles/operator/calls.ts";
import type { Context, Result } from "./context.ts";
import { instantText } from "./license-text.ts";
import { openOperator } from "./operator.ts";

export async function licenseJoinToken(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const { token, id, expires_at } = await way.ask(createJoinToken, null);
  return {
    data: { join_token: token, id, expires_at },
    text: [
      token,
      `It enrols one role, once, until ${instantText(expires_at)}. On the other host put it into a file that only the service may read,`,
      "name that file with --join-token-file or CYBERUN_JOIN_TOKEN_FILE, and start the role.",
    ].join("\n"),
  };
}

interface Client {
  readonly id: string;
  readonly role: string;
  readonly enrolled_by: string;
  readonly last_lease_at: number | null;
  readonly revoked_at: number | null;
}

function clientLine({ id, role, enrolled_by, last_lease_at, revoked_at }: Client): string {
  const last = last_lease_at === null ? "no lease yet" : `last lease ${instantText(last_lease_at / 1_000)}`;
  const revoked = revoked_at === null ? "" : `, revoked ${instantText(revoked_at / 1_000)}`;
  return `${id}  ${role.padEnd(7)}  ${last}, enrolled by ${enrolled_by}${revoked}`;
}

export async function licenseClients(context: Context): Promise<Result> {
  const revoke = context.options.get("revoke");
  await using way = await openOperator(context);
  if (revoke !== undefined) {
    await way.ask(revokeLeaseClient, { client_id: revoke });
    return { data: { revoked: revoke }, text: `The client ${revoke} gets no lease any more; its last one ends by itself.` };
  }
  const clients = await way.ask(listLeaseClients, null);
  return { data: { clients }, text: clients.length === 0 ? "No client is enrolled yet." : clients.map(clientLine).join("\n") };
}
