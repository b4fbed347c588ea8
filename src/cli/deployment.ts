/** `cyberun deployment …`: what there is in all of the deployment, and how much there may be. */
import { Fault } from "../fault.ts";
import { listAllTeams, readDeploymentQuotas } from "../roles/operator/deployment-calls.ts";
import { type Members, membersOf } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { openOperator } from "./operator.ts";
import { listed } from "./pages.ts";
import { quotaTable } from "./quota-table.ts";
import { shownTime } from "./text-table.ts";

const teamWords = {
  name: "team_list",
  headings: ["ID", "NAME", "OWNER", "MEMBERS", "CREATED"],
  row: ({ id, display_name, owner_email_address, member_count, created_at }: Members) => [id, display_name, owner_email_address, member_count, shownTime(created_at)],
  none: "There is no team.",
};

export async function deploymentTeams(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  return await listed(context, teamWords, async (page) => membersOf(await way.ask(listAllTeams, page)));
}

export async function deploymentQuotas(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  if (way.way === "store") {
    throw new Fault("unavailable", "Caps come from the lease, and no server runs here that holds one.", { hint: "Start it (cyberun serve) and run this again." });
  }
  const { quota_list } = await way.ask(readDeploymentQuotas, null);
  return { data: { quota_list }, text: quotaTable(quota_list) };
}
