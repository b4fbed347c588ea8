/** `cyberun quotas`: caps and use, as the person who asks may see them. */
import type { Context, Result } from "./context.ts";
import { openPerson } from "./person.ts";
import { quotaTable } from "./quota-table.ts";

export async function quotas(context: Context): Promise<Result> {
  await using person = await openPerson(context, { inTeam: false });
  const answer = await person.call({ method: "GET", path: "/api/v1/quotas" });
  const { quota_list } = answer;
  return { data: answer, text: quotaTable(Array.isArray(quota_list) ? quota_list : []) };
}
