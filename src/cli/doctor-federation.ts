/** What `cyberun doctor` looks at about other sites: bundles that end, and keys that the leading site has changed since. */
import { listFederationSites, readFederationKeys } from "../roles/operator/federation-calls.ts";
import type { Context } from "./context.ts";
import { type Check, ok, problem, skipped, warning } from "../doctor/check.ts";
import { openOperator } from "./operator.ts";

const NAME = "federation";
const BRING = "Bring a newer bundle of that site: cyberun federation bundle add FILE.";

interface Bundled {
  readonly id: string;
  readonly state: string;
  readonly expires_at: string;
  readonly problem: string | null;
}

function siteChecks({ id, state, expires_at, problem: failed }: Bundled): readonly Check[] {
  if (state === "expired") return [problem(NAME, `The bundle of the site ${id} expired at ${expires_at}; its people are refused.`, BRING)];
  if (state === "expiring") return [warning(NAME, `The bundle of the site ${id} expires at ${expires_at}.`, BRING)];
  return failed === null ? [] : [warning(NAME, `The site ${id} could not be asked for a newer bundle: ${failed}`, "Its bundle is good until then; correct the way to it, or switch its refresh off.")];
}

function keyChecks({ state, known_until }: { readonly state: string; readonly known_until: string | null }): readonly Check[] {
  const hint = "Export the keys at the leading site and bring them: cyberun federation keys import FILE.";
  if (state === "behind") return [problem(NAME, `The leading site has changed its signing keys since ${String(known_until)}, and this site has not heard of it.`, hint)];
  return state === "due" ? [warning(NAME, `The leading site changes its signing keys at ${String(known_until)}.`, hint)] : [];
}

export async function federationCheck(context: Context, isServed: boolean): Promise<readonly Check[]> {
  if (!isServed) return [skipped(NAME, "Other sites are looked at while a server runs.")];
  await using way = await openOperator(context);
  const { sites } = await way.ask(listFederationSites, null);
  const found = [...sites.flatMap(siteChecks), ...keyChecks(await way.ask(readFederationKeys, null))];
  return found.length > 0 ? found : [ok(NAME, sites.length === 0 ? "No other site is pinned here." : `${sites.length} other sites are pinned, and none of their bundles ends soon.`)];
}
