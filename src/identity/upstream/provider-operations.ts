/**
 * What administrators do with upstream providers.
 *
 * Rule: a client secret is sealed as it comes and never shown again. Id and issuer are given once: the people behind a
 * provider are known by its issuer, so another one is another provider (GHSA-5rr4-8452-hf4v: administrators alone name
 * addresses that the server asks).
 */
import { asc, count, eq } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../../fault.ts";
import { type Act, command, type CommandAct, query } from "../../gate/operation.ts";
import { isoTime } from "../../page.ts";
import type { Reader } from "../../store/store.ts";
import { isClientSecret, readProvider, type UpstreamProvider } from "../../upstream-provider.ts";
import { requireAdministrator } from "../administrators.ts";
import { type ProviderRow, providerOf, PROVIDERS_MAX } from "./providers.ts";
import { callbackOf } from "./start.ts";

/** A provider as answers show it; no secret. */
export interface ShownProvider extends UpstreamProvider {
  /** `file`: of the config file, and changed there alone. */
  readonly source: "file" | "api";
  readonly is_disabled: boolean;
  readonly has_secret: boolean;
  /** What has to be registered at the provider. */
  readonly redirect_uri: string;
  /** Null for those of the config file. */
  readonly created_at: string | null;
  readonly updated_at: string | null;
}

export interface ProviderInput {
  readonly id: string;
  readonly client_secret?: string | undefined;
  /** Members of {@link UpstreamProvider}, and `preset`. */
  readonly members: Readonly<Record<string, unknown>>;
}

export interface ProviderChange {
  readonly id: string;
  readonly client_secret?: string | undefined;
  readonly is_disabled?: boolean | undefined;
  /** Those that shall be otherwise; null takes one back to its default. */
  readonly members: Readonly<Record<string, unknown>>;
}

function shown({ settings }: Pick<Act, "settings">, row: ProviderRow): ShownProvider {
  return {
    ...providerOf(row),
    source: "api",
    is_disabled: row.disabled_at !== null,
    has_secret: row.client_secret !== null,
    redirect_uri: callbackOf(settings.issuerUrl),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}

function configuredOf({ settings }: Pick<CommandAct, "settings">): readonly ShownProvider[] {
  return settings.upstreamProviders.map(({ secret, ...provider }) => ({
    ...provider,
    source: "file",
    is_disabled: false,
    has_secret: secret !== undefined,
    redirect_uri: callbackOf(settings.issuerUrl),
    created_at: null,
    updated_at: null,
  }));
}

function columnsOf(provider: UpstreamProvider) {
  return { ...provider, allowed_domains: JSON.stringify(provider.allowed_domains) };
}

/** Sealed, or null for a provider that is asked without. Throws Fault `invalid_request` for one too many or too few. */
function sealedSecret({ sealer }: CommandAct, { id, token_endpoint_auth_method }: UpstreamProvider, secret: string | undefined): string | null {
  const isNeeded = token_endpoint_auth_method !== "none";
  if (isNeeded !== (secret !== undefined)) throw invalidField("client_secret", isNeeded ? "is missing: it is the secret that the provider gave" : "has no use with token_endpoint_auth_method none");
  if (secret === undefined) return null;
  if (!isClientSecret(secret)) throw invalidField("client_secret", "has 1 to 500 printable characters");
  return sealer.seal("upstream-secret", id, secret);
}

async function getStored(reader: Reader, id: string): Promise<ProviderRow> {
  const { upstreamProviders: providers } = reader.tables;
  const [row] = await reader.select().from(providers).where(eq(providers.id, id));
  if (row === undefined) throw notFound();
  return row;
}

/** Throws Fault `conflict` for a provider of the config file. */
function requireNotConfigured({ settings }: CommandAct, id: string): void {
  if (!settings.upstreamProviders.some((provider) => provider.id === id)) return;
  throw new Fault("conflict", "This provider stands in the config file.", { hint: "Change it there and restart, or choose another id." });
}

async function requireRoom({ writer }: CommandAct): Promise<void> {
  const [found] = await writer.select({ count: count() }).from(writer.tables.upstreamProviders);
  if ((found?.count ?? 0) < PROVIDERS_MAX) return;
  throw new Fault("conflict", `There are ${PROVIDERS_MAX} providers, and no more can be added.`, { hint: "Delete those that are not used any more." });
}

/** Adds a provider. Needs the feature `oauth`. */
export const createProvider = command("upstream_provider.create", async (act, input: ProviderInput): Promise<ShownProvider> => {
  requireAdministrator(act.caller);
  const provider = readProvider(input.id, input.members);
  requireNotConfigured(act, provider.id);
  await requireRoom(act);
  const client_secret = sealedSecret(act, provider, input.client_secret);
  const now = act.services.clock.now();
  const row = { ...columnsOf(provider), client_secret, created_at: now, updated_at: now };
  const [inserted] = await act.writer.insert(act.writer.tables.upstreamProviders).values(row).onConflictDoNothing().returning();
  if (inserted === undefined) throw new Fault("conflict", "There is a provider of that id already.", { hint: "Change that one, or choose another id." });
  act.note({ subject: `upstream_provider:${provider.id}`, details: { issuer: provider.issuer, provisioning: provider.provisioning } });
  return shown(act, inserted);
});

/** All of them, those of the config file first. */
export const listProviders = query("upstream_provider.list", async (act, _input: undefined): Promise<{ readonly providers: readonly ShownProvider[] }> => {
  requireAdministrator(act.caller);
  const { upstreamProviders: providers } = act.reader.tables;
  const rows = await act.reader.select().from(providers).orderBy(asc(providers.id)).limit(PROVIDERS_MAX);
  const configured = configuredOf(act);
  return { providers: [...configured, ...rows.filter(({ id }) => !configured.some((each) => each.id === id)).map((row) => shown(act, row))] };
});

export const readStoredProvider = query("upstream_provider.read", async (act, { id }: { readonly id: string }): Promise<ShownProvider> => {
  requireAdministrator(act.caller);
  return configuredOf(act).find((provider) => provider.id === id) ?? shown(act, await getStored(act.reader, id));
});

const fixed = ["issuer", "preset"] as const;

/** What is stored, with the changes; null takes a member away. */
function changedOf(row: ProviderRow, members: ProviderChange["members"]): UpstreamProvider {
  const { id, ...before } = providerOf(row);
  for (const name of fixed) {
    if (members[name] !== undefined && members[name] !== before.issuer) throw invalidField(name, "cannot be changed: people are known by it; add another provider");
  }
  const merged = Object.entries({ ...before, ...members }).filter(([, value]) => value !== null);
  return readProvider(id, Object.fromEntries(merged));
}

/** The secret that holds from now on. */
function nextSecret(act: CommandAct, provider: UpstreamProvider, secret: { readonly stored: string | null; readonly given: string | undefined }): string | null {
  const { stored, given } = secret;
  if (given === undefined && stored !== null && provider.token_endpoint_auth_method !== "none") return stored;
  return sealedSecret(act, provider, given);
}

/** Changes a provider, or disables it: true when the call returns, for sign-ins under way too. */
export const updateProvider = command("upstream_provider.update", async (act, input: ProviderChange): Promise<ShownProvider> => {
  requireAdministrator(act.caller);
  requireNotConfigured(act, input.id);
  const { upstreamProviders: providers } = act.writer.tables;
  const row = await getStored(act.writer, input.id);
  const provider = changedOf(row, input.members);
  const now = act.services.clock.now();
  const disabled = input.is_disabled === undefined ? row.disabled_at : input.is_disabled ? (row.disabled_at ?? now) : null;
  const client_secret = nextSecret(act, provider, { stored: row.client_secret, given: input.client_secret });
  const set = { ...columnsOf(provider), client_secret, disabled_at: disabled, updated_at: now };
  const [updated] = await act.writer.update(providers).set(set).where(eq(providers.id, input.id)).returning();
  if (updated === undefined) throw notFound();
  act.note({ subject: `upstream_provider:${input.id}`, details: { is_disabled: disabled !== null, new_secret: input.client_secret !== undefined, provisioning: provider.provisioning } });
  return shown(act, updated);
});

/** Deletes a provider. Who is connected by its issuer stays so, should one of that issuer be added again. */
export const deleteProvider = command("upstream_provider.delete", async (act, { id }: { readonly id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  requireNotConfigured(act, id);
  const { upstreamProviders: providers } = act.writer.tables;
  const [removed] = await act.writer.delete(providers).where(eq(providers.id, id)).returning({ issuer: providers.issuer });
  if (removed === undefined) throw notFound();
  act.note({ subject: `upstream_provider:${id}`, details: { issuer: removed.issuer } });
});
