/**
 * Clients that register themselves (RFC 7591), and read, change and delete what is registered about them (RFC 7592).
 *
 * Rule: the first needs an initial access token, the others the registration access token that came with the answer. Neither
 * gives any say over what weakens a client or widens what it may ask for.
 */
import { and, eq, isNull } from "drizzle-orm";
import { randomSecret } from "../../crypto/tokens.ts";
import type { Sealer } from "../../crypto/sealing.ts";
import { command, type CommandAct, procedure, query } from "../../gate/operation.ts";
import type { Reader } from "../../store/store.ts";
import { endpointUrl } from "../endpoints.ts";
import { OAuthError } from "../oauth-error.ts";
import { type Client, type ClientMetadata, clientOf, isClientId } from "./client.ts";
import { insertClient, removeClient, replaceMetadata } from "./client-operations.ts";
import { isSecretOf, listSecretDigests } from "./client-secrets.ts";
import { isGoodInitialAccessToken, takeInitialAccessToken } from "./initial-access-tokens.ts";
import { requireMetadata } from "./metadata.ts";
import { requireSector } from "./sector.ts";

const PREFIX = "rat-";
const TOKEN_CHARACTERS_MAX = 200;

/** Members of a request that are the server's to say (RFC 7592 section 2.2). */
const serversOwn = ["client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"] as const;

/** The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3). Members that are undefined are left out. */
export type ClientInformation = Readonly<Record<string, unknown>>;

interface Registered {
  readonly client: Client;
  /** Only where it was made just now. */
  readonly secret: string | undefined;
  readonly registrationToken: string;
  readonly issuerUrl: string;
}

function informationOf({ client, secret, registrationToken, issuerUrl }: Registered): ClientInformation {
  const { client_id, created_at, updated_at: _updated, is_first_party: _own, is_dynamic: _dynamic, is_disabled: _disabled, resources: _resources, served_resources: _served, ...metadata } = client;
  return {
    client_id,
    client_id_issued_at: Math.floor(created_at / 1_000),
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    registration_access_token: registrationToken,
    registration_client_uri: `${endpointUrl(issuerUrl, "registration")}/${client_id}`,
    ...metadata,
  };
}

function refused(): OAuthError {
  return new OAuthError("invalid_token", "The token for registration is not good: unknown, used, over, or of another client.", { hint: "Ask an administrator of the deployment for an initial access token." });
}

/** Registers a client. Throws OAuthError `invalid_token`, `invalid_client_metadata` or `invalid_redirect_uri`; then the token is still whole. */
export const registerClient = procedure(
  "oidc_client.register",
  async (act, { token, metadata: sent }: { readonly token: string; readonly metadata: unknown }): Promise<ClientInformation> => {
    // Nobody without a token makes this host fetch anything.
    if (!(await act.read((reader) => isGoodInitialAccessToken(act, reader, token)))) throw refused();
    const clientId = act.services.random.uuid();
    const metadata = requireMetadata("dynamic", sent, clientId);
    await requireSector(act, metadata);
    return await act.write<ClientInformation>((write) => register(write, { clientId, metadata, token }));
  },
);

async function register(act: CommandAct, { clientId, metadata, token }: { readonly clientId: string; readonly metadata: ClientMetadata; readonly token: string }): Promise<ClientInformation> {
  const { services, sealer, settings } = act;
  const tokenId = await takeInitialAccessToken(act, token);
  if (tokenId === undefined) throw refused();
  const registrationToken = PREFIX + randomSecret(services.random);
  const registrationDigest = sealer.digest("registration-token", registrationToken);
  const { client, secret } = await insertClient(act, { clientId, metadata, isFirstParty: false, registrationDigest });
  act.note({ details: { client_name: client.client_name, initial_access_token: tokenId } });
  return informationOf({ client, secret, registrationToken, issuerUrl: settings.issuerUrl });
}

/** Which registration, and what shows that it is one's own. */
export interface OwnRegistration {
  readonly client_id: string;
  readonly token: string;
}

async function requireOwn(reader: Reader, sealer: Sealer, { client_id, token }: OwnRegistration): Promise<Client> {
  if (!token.startsWith(PREFIX) || token.length > TOKEN_CHARACTERS_MAX || !isClientId(client_id)) throw refused();
  const { oidcClients: clients } = reader.tables;
  const isMeant = and(eq(clients.registration_digest, sealer.digest("registration-token", token)), eq(clients.client_id, client_id), isNull(clients.disabled_at));
  const [row] = await reader.select().from(clients).where(isMeant);
  if (row === undefined) throw refused();
  return clientOf(row);
}

/** What is registered about the client that asks. Throws OAuthError `invalid_token`. */
export const readRegistration = query("oidc_client.read_registration", async ({ reader, sealer, settings }, own: OwnRegistration): Promise<ClientInformation> => {
  const client = await requireOwn(reader, sealer, own);
  return informationOf({ client, secret: undefined, registrationToken: own.token, issuerUrl: settings.issuerUrl });
});

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}

export interface RegistrationChange extends OwnRegistration {
  readonly metadata: unknown;
}

/** RFC 7592 section 2.2: the id is in the body, a secret that is there is the client's own, and what is the server's to say is not. */
async function requireFitting(reader: Reader, { sealer, now, client, metadata }: { readonly sealer: Sealer; readonly now: number; readonly client: Client; readonly metadata: unknown }): Promise<void> {
  const sent = membersOf(metadata);
  if (sent.get("client_id") !== client.client_id) throw new OAuthError("invalid_client_metadata", "The member client_id is not the id of this client.");
  const foreign = serversOwn.find((name) => sent.has(name));
  if (foreign !== undefined) throw new OAuthError("invalid_client_metadata", `The member ${foreign} is not the client's to say.`);
  const secret = sent.get("client_secret");
  if (secret === undefined) return;
  const digests = await listSecretDigests(reader, client.client_id, now);
  if (typeof secret === "string" && isSecretOf(sealer, { clientId: client.client_id, secret }, digests)) return;
  throw new OAuthError("invalid_client_metadata", "The member client_secret is not the secret of this client, and a client does not choose its own.");
}

/** Replaces all that is registered about the client that asks. Throws OAuthError. */
export const updateRegistration = procedure("oidc_client.update_registration", async (act, change: RegistrationChange): Promise<ClientInformation> => {
  const before = await act.read((reader) => requireOwn(reader, act.sealer, change));
  const wanted = requireMetadata("dynamic", change.metadata, before.client_id);
  await requireSector(act, wanted, before);
  return await act.write<ClientInformation>((write) => replaceOwn(write, change, wanted));
});

async function replaceOwn(act: CommandAct, change: RegistrationChange, wanted: ClientMetadata): Promise<ClientInformation> {
  const { writer, sealer, services, settings } = act;
  const before = await requireOwn(writer, sealer, change);
  await requireFitting(writer, { sealer, now: services.clock.now(), client: before, metadata: change.metadata });
  // What an administrator gave the client is not the client's to lose or to keep.
  const { resources, served_resources } = before;
  const { client, secret } = await replaceMetadata(act, before, { ...wanted, resources, served_resources });
  return informationOf({ client, secret, registrationToken: change.token, issuerUrl: settings.issuerUrl });
}

/** Deletes the client that asks, with all its grants and tokens. Throws OAuthError `invalid_token`. */
export const deleteRegistration = command("oidc_client.delete_registration", async (act, own: OwnRegistration): Promise<void> => {
  const client = await requireOwn(act.writer, act.sealer, own);
  await removeClient(act, client.client_id);
});
