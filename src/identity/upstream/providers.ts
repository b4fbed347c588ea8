/**
 * Upstream providers: other people's OpenID providers, by which people sign in here.
 *
 *     config file ─┐
 *                  ├─► known ── enabled, license carries `oauth` ──► usable
 *     store (API) ─┘
 *
 * Rule: whether a provider may be used is asked anew at every step of a sign-in, in the transaction of the step, so that
 * disabling one acts at the next request, also half-way through (CVE-2026-1486). A file's provider wins over a stored one
 * of the same id; nothing here changes the file. No provider, no network.
 */
import { and, asc, eq, isNull } from "drizzle-orm";
import { Fault } from "../../fault.ts";
import type { Act, QueryAct } from "../../gate/operation.ts";
import { query } from "../../gate/operation.ts";
import { hasFeature, licenseStates, type Qualified } from "../../license/entitlements.ts";
import { Secret } from "../../secret.ts";
import type { Reader } from "../../store/store.ts";
import type { Tables } from "../../store/schema.ts";
import { type HeldProvider, isPlain, providerAuthMethods, provisionings, type UpstreamProvider } from "../../upstream-provider.ts";

export const oauthFeature: Qualified = { namespace: "global", key: "oauth" };
/** A sign-in page has room for a handful. */
export const PROVIDERS_MAX = 50;

export type ProviderRow = Tables["upstreamProviders"]["$inferSelect"];

function choice<const Choice extends string>(choices: readonly Choice[], text: string): Choice {
  const found = choices.find((each) => each === text);
  if (found === undefined) throw new Error("a stored provider is one of ours");
  return found;
}

function domainsOf(json: string): readonly string[] {
  const list: unknown = JSON.parse(json);
  return Array.isArray(list) ? list.map(String) : [];
}

/** A stored provider. */
export function providerOf(row: ProviderRow): UpstreamProvider {
  const { id, display_name, issuer, client_id, scope } = row;
  return {
    id,
    display_name,
    issuer,
    client_id,
    token_endpoint_auth_method: choice(providerAuthMethods, row.token_endpoint_auth_method),
    scope,
    provisioning: choice(provisionings, row.provisioning),
    allowed_domains: domainsOf(row.allowed_domains),
  };
}

function held({ sealer }: Pick<Act, "sealer">, row: ProviderRow): HeldProvider {
  const secret = row.client_secret === null ? undefined : new Secret(sealer.open("upstream-secret", row.id, row.client_secret).toString("utf8"));
  return { ...providerOf(row), secret };
}

type Asking = Pick<Act, "sealer" | "settings" | "entitlements">;

/** Whether the license lets anybody sign in upstream at this moment. */
function isLicensed({ entitlements }: Pick<Act, "entitlements">): boolean {
  return licenseStates[entitlements.state].open && hasFeature(entitlements, oauthFeature);
}

/** The provider while it may be used. */
export async function findUsableProvider(act: Asking, reader: Reader, id: string): Promise<HeldProvider | undefined> {
  if (!isLicensed(act)) return undefined;
  const configured = act.settings.upstreamProviders.find((provider) => provider.id === id);
  if (configured !== undefined) return configured;
  const { upstreamProviders: providers } = reader.tables;
  const [row] = await reader.select().from(providers).where(and(eq(providers.id, id), isNull(providers.disabled_at)));
  return row === undefined ? undefined : held(act, row);
}

export function unusableFault(): Fault {
  return new Fault("not_found", "There is no such sign-in provider here, or it is disabled.", { hint: "Sign in with another way, or ask an administrator." });
}

/** The provider that a sign-in under way began with. Throws Fault `not_found` when it is disabled, gone, or another by now. */
export async function getUsableProvider(act: Asking, reader: Reader, which: { readonly id: string; readonly issuer?: string }): Promise<HeldProvider> {
  const provider = await findUsableProvider(act, reader, which.id);
  if (provider !== undefined && (which.issuer === undefined || which.issuer === provider.issuer)) return provider;
  throw unusableFault();
}

/** Every provider that is enabled, whatever the license says: files first, then by id. */
export async function listEnabled(act: Pick<Act, "settings">, reader: Reader): Promise<readonly UpstreamProvider[]> {
  const { upstreamProviders: providers } = reader.tables;
  const rows = await reader.select().from(providers).where(isNull(providers.disabled_at)).orderBy(asc(providers.id)).limit(PROVIDERS_MAX);
  const configured = act.settings.upstreamProviders;
  const isConfigured = (id: string) => configured.some((each) => each.id === id);
  return [...configured, ...rows.filter(({ id }) => !isConfigured(id)).map(providerOf)];
}

/** What a sign-in page shows of a provider. */
export interface OfferedProvider {
  readonly id: string;
  readonly displayName: string;
  /** Where a form leads that is not of the web's https; undefined otherwise. */
  readonly plainOrigin: string | undefined;
}

/** The buttons of a sign-in page; none while the license does not carry the feature. */
export const listOfferedProviders = query("upstream_provider.list_offered", async (act: QueryAct, _input: undefined): Promise<readonly OfferedProvider[]> => {
  if (!isLicensed(act)) return [];
  const enabled = await listEnabled(act, act.reader);
  return enabled.map((provider) => ({ id: provider.id, displayName: provider.display_name, plainOrigin: isPlain(provider) ? new URL(provider.issuer).origin : undefined }));
});
