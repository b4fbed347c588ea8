/**
 * Managing clients: by administrators of the deployment through the API, by the operator on the host.
 *
 * Rule: what opens the deployment to another application needs the feature `oidc_provider`; what closes it again, and
 * looking, never does. A client's secret is in the answer that made it and nowhere else.
 */
import { asc, count, eq, gt } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../../fault.ts";
import { command, type CommandAct, procedure, query } from "../../gate/operation.ts";
import { isoTime } from "../../page.ts";
import type { Reader, Writer } from "../../store/store.ts";
import { type Client, clientOf, type ClientMetadata, columnsOf, findClient, getClient, isClientId } from "./client.ts";
import { requireAdministrator } from "./client-administration.ts";
import { dropSecrets, renewSecret, usesSecret } from "./client-secrets.ts";
import { requireMetadata } from "./metadata.ts";
import { requireSameSector, requireSector, type Sector } from "./sector.ts";

/** A site has dozens. */
export const CLIENTS_MAX = 10_000;
const LIST_MAX = 100;
const OVERLAP_SECONDS_MAX = 30 * 86_400;

/** A client as answers show it: RFC 7591 names, times as ISO 8601, no secret. */
export interface ShownClient extends Omit<Client, "created_at" | "updated_at"> {
  readonly created_at: string;
  readonly updated_at: string;
}

export interface MadeClient {
  readonly client: ShownClient;
  /** In clear, here and never again; undefined for clients that authenticate without one. */
  readonly client_secret: string | undefined;
}

function shown(client: Client): ShownClient {
  return { ...client, created_at: isoTime(client.created_at), updated_at: isoTime(client.updated_at) };
}

async function requireRoom(writer: Writer): Promise<void> {
  const { oidcClients: clients } = writer.tables;
  const [found] = await writer.select({ count: count() }).from(clients);
  if ((found?.count ?? 0) < CLIENTS_MAX) return;
  throw new Fault("conflict", `There are ${CLIENTS_MAX} clients, and no more can be registered.`, { hint: "Delete clients that are not used any more." });
}

interface NewClient {
  readonly clientId: string;
  readonly metadata: ClientMetadata;
  readonly isFirstParty: boolean;
  /** Null for managed clients. */
  readonly registrationDigest: string | null;
}

/** Adds a client with its first secret, if it uses one. */
export async function insertClient(act: CommandAct, { clientId, metadata, isFirstParty, registrationDigest }: NewClient): Promise<{ readonly client: Client; readonly secret: string | undefined }> {
  const { writer, services } = act;
  await requireRoom(writer);
  const now = services.clock.now();
  const row = {
    client_id: clientId,
    ...columnsOf(metadata),
    is_first_party: isFirstParty,
    registration_digest: registrationDigest,
    created_at: now,
    updated_at: now,
  };
  const [inserted] = await writer.insert(writer.tables.oidcClients).values(row).onConflictDoNothing().returning();
  if (inserted === undefined) throw new Fault("conflict", "There is a client of that id already.");
  const secret = usesSecret(metadata.token_endpoint_auth_method) ? await renewSecret(act, clientId, 0) : undefined;
  act.note({ subject: `oidc_client:${clientId}`, details: { client_name: metadata.client_name, method: metadata.token_endpoint_auth_method } });
  return { client: clientOf(inserted), secret };
}

/** Replaces what is registered. A client that comes to use a secret gets one; one that no longer does loses it. */
export async function replaceMetadata(act: CommandAct, before: Client, metadata: ClientMetadata): Promise<{ readonly client: Client; readonly secret: string | undefined }> {
  const { writer, services } = act;
  const { oidcClients: clients } = writer.tables;
  const set = { ...columnsOf(metadata), updated_at: services.clock.now() };
  const [updated] = await writer.update(clients).set(set).where(eq(clients.client_id, before.client_id)).returning();
  if (updated === undefined) throw notFound();
  const [had, has] = [before, metadata].map((each) => usesSecret(each.token_endpoint_auth_method));
  if (had === true && has === false) await dropSecrets(act, before.client_id);
  const secret = has === true && had === false ? await renewSecret(act, before.client_id, 0) : undefined;
  act.note({ subject: `oidc_client:${before.client_id}`, details: { client_name: metadata.client_name, method: metadata.token_endpoint_auth_method } });
  return { client: clientOf(updated), secret };
}

/** Removes the client with all that hangs on it: secrets, consents, grants, codes, refresh tokens. */
export async function removeClient({ writer, note }: Pick<CommandAct, "writer" | "note">, clientId: string): Promise<void> {
  const { oidcClients: clients } = writer.tables;
  const [removed] = await writer.delete(clients).where(eq(clients.client_id, clientId)).returning({ name: clients.client_name });
  if (removed === undefined) throw notFound();
  note({ subject: `oidc_client:${clientId}`, details: { client_name: removed.name } });
}

/** The platform's own clients come with the executable and are nobody's to change. */
async function getManaged(reader: Reader, clientId: string): Promise<Client> {
  const client = await getClient(reader, clientId);
  if (!client.is_first_party) return client;
  throw new Fault("forbidden", "The platform's own client cannot be changed.", { hint: "Register a client of your own." });
}

/** Registers a client. Needs the feature `oidc_provider`. Throws OAuthError when its metadata is not accepted. */
export const createClient = procedure("oidc_client.create", async (act, input: { readonly metadata: unknown }): Promise<MadeClient> => {
  requireAdministrator(act.caller);
  const clientId = act.services.random.uuid();
  const metadata = requireMetadata("managed", input.metadata, clientId);
  await requireSector(act, metadata);
  return await act.write<MadeClient>(async (write) => {
    const { client, secret } = await insertClient(write, { clientId, metadata, isFirstParty: false, registrationDigest: null });
    return { client: shown(client), client_secret: secret };
  });
});

/** Makes sure that a client of the platform's own is there as the executable wants it. */
export const prepareFirstPartyClient = command(
  "oidc_client.prepare",
  async (act, input: { readonly client_id: string; readonly metadata: unknown }): Promise<void> => {
    const clientId = input.client_id;
    const metadata = requireMetadata("platform", input.metadata, clientId);
    const before = await findClient(act.writer, clientId);
    if (before === undefined) await insertClient(act, { clientId, metadata, isFirstParty: true, registrationDigest: null });
    else await replaceMetadata(act, before, metadata);
  },
);

export interface ClientListRequest {
  /** Ids after this one; the first page without. */
  readonly after?: string | undefined;
}

/** Clients in the order of their ids, {@link LIST_MAX} at most; `next` asks for those behind. */
export const listClients = query("oidc_client.list", async ({ reader, caller }, { after = "" }: ClientListRequest): Promise<{ readonly clients: readonly ShownClient[]; readonly next: string | undefined }> => {
  requireAdministrator(caller);
  if (after !== "" && !isClientId(after)) throw invalidField("after", "is the id of a client");
  const { oidcClients: clients } = reader.tables;
  const rows = await reader.select().from(clients).where(gt(clients.client_id, after)).orderBy(asc(clients.client_id)).limit(LIST_MAX + 1);
  const page = rows.slice(0, LIST_MAX).map((row) => shown(clientOf(row)));
  return { clients: page, next: rows.length > LIST_MAX ? page.at(-1)?.client_id : undefined };
});

export const readClient = query("oidc_client.read", async ({ reader, caller }, { client_id }: { readonly client_id: string }): Promise<ShownClient> => {
  requireAdministrator(caller);
  return shown(await getClient(reader, client_id));
});

export interface ClientChange {
  readonly client_id: string;
  /** Members that shall be otherwise; null takes one back to its default. */
  readonly metadata?: unknown;
  /** A disabled client is refused everywhere until it is enabled again. */
  readonly is_disabled?: boolean | undefined;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function registeredOf(client: Client): Readonly<Record<string, unknown>> {
  const { client_id: _id, is_first_party: _own, is_dynamic: _dynamic, is_disabled: _disabled, created_at: _created, updated_at: _updated, ...metadata } = client;
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}

/** Changes some members of a client, or disables it. The answer holds a secret when the change made one necessary. */
export const updateClient = procedure("oidc_client.update", async (act, change: ClientChange): Promise<MadeClient> => {
  requireAdministrator(act.caller);
  const seen = await act.read((reader) => getManaged(reader, change.client_id));
  const sector = wantedOf(seen, change);
  await requireSector(act, sector, seen);
  return await act.write<MadeClient>((write) => applyChange(write, change, sector));
});

function wantedOf(before: Client, { client_id, metadata }: ClientChange): ClientMetadata {
  return requireMetadata("managed", { ...registeredOf(before), ...membersOf(metadata) }, client_id);
}

async function applyChange(act: CommandAct, change: ClientChange, sector: Sector): Promise<MadeClient> {
  const { client_id, is_disabled } = change;
  const before = await getManaged(act.writer, client_id);
  const wanted = wantedOf(before, change);
  requireSameSector(sector, wanted);
  const { client, secret } = await replaceMetadata(act, before, wanted);
  if (is_disabled === undefined || is_disabled === before.is_disabled) return { client: shown(client), client_secret: secret };
  const { oidcClients: clients } = act.writer.tables;
  await act.writer.update(clients).set({ disabled_at: is_disabled ? act.services.clock.now() : null }).where(eq(clients.client_id, client_id));
  act.note({ details: { is_disabled } });
  return { client: shown({ ...client, is_disabled }), client_secret: secret };
}

/** Deletes a client: true when the call returns, for its tokens too, wherever they are introspected. */
export const deleteClient = command("oidc_client.delete", async (act, { client_id }: { readonly client_id: string }): Promise<void> => {
  requireAdministrator(act.caller);
  await getManaged(act.writer, client_id);
  await removeClient(act, client_id);
});

export interface SecretRotation {
  readonly client_id: string;
  /** How long the secret before stays good; 0 ends it at once. */
  readonly overlap_seconds?: number | undefined;
}

/** Makes a new secret; the one before stays good for the overlap, older ones end now. */
export const rotateClientSecret = command("oidc_client.rotate_secret", async (act, input: SecretRotation): Promise<{ readonly client_secret: string; readonly overlap_seconds: number }> => {
  requireAdministrator(act.caller);
  const { client_id, overlap_seconds = act.settings.clientSecretOverlapSeconds } = input;
  if (!Number.isInteger(overlap_seconds) || overlap_seconds < 0 || overlap_seconds > OVERLAP_SECONDS_MAX) {
    throw invalidField("overlap_seconds", `is a whole number from 0 to ${OVERLAP_SECONDS_MAX}`);
  }
  const client = await getManaged(act.writer, client_id);
  if (!usesSecret(client.token_endpoint_auth_method)) throw new Fault("conflict", "This client authenticates without a secret.");
  const secret = await renewSecret(act, client_id, overlap_seconds * 1_000);
  act.note({ subject: `oidc_client:${client_id}`, details: { overlap_seconds } });
  return { client_secret: secret, overlap_seconds };
});
