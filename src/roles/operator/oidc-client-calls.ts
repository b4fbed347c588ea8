/** What the operator on the host may ask for about OIDC clients. */
import { Type } from "typebox";
import { operator } from "../../gate/caller.ts";
import { createClient, deleteClient, listClients, readClient, rotateClientSecret, updateClient } from "../../oidc/clients/client-operations.ts";
import { createInitialAccessToken as createInitialAccessTokenOperation } from "../../oidc/clients/initial-access-tokens.ts";
import { call, type OperatorCall } from "./call.ts";

const closed = { additionalProperties: false };
const ClientId = Type.String({ maxLength: 100 });
/** RFC 7591 members; the operation says which it takes. */
const Metadata = Type.Record(Type.String(), Type.Unknown());
const Client = Type.Record(Type.String(), Type.Unknown());
const Made = Type.Object({ client: Client, client_secret: Type.Union([Type.String(), Type.Null()]) });

const membersOf = (value: object) => Object.fromEntries(Object.entries(value));

export const createOidcClient = call(
  "oidc_client.create",
  { input: Type.Object({ metadata: Metadata }, closed), output: Made },
  async ({ gate }, input) => {
    const { client, client_secret } = await createClient(gate, operator, input);
    return { client: membersOf(client), client_secret: client_secret ?? null };
  },
);

export const listOidcClients = call(
  "oidc_client.list",
  { input: Type.Object({ after: Type.Optional(ClientId) }, closed), output: Type.Object({ clients: Type.Array(Client), next: Type.Union([ClientId, Type.Null()]) }) },
  async ({ gate }, input) => {
    const { clients, next } = await listClients(gate, operator, input);
    return { clients: clients.map(membersOf), next: next ?? null };
  },
);

export const readOidcClient = call(
  "oidc_client.read",
  { input: Type.Object({ client_id: ClientId }, closed), output: Client },
  async ({ gate }, input) => membersOf(await readClient(gate, operator, input)),
);

export const updateOidcClient = call(
  "oidc_client.update",
  { input: Type.Object({ client_id: ClientId, metadata: Type.Optional(Metadata), is_disabled: Type.Optional(Type.Boolean()) }, closed), output: Made },
  async ({ gate }, input) => {
    const { client, client_secret } = await updateClient(gate, operator, input);
    return { client: membersOf(client), client_secret: client_secret ?? null };
  },
);

export const deleteOidcClient = call(
  "oidc_client.delete",
  { input: Type.Object({ client_id: ClientId }, closed), output: Type.Null() },
  async ({ gate }, input) => {
    await deleteClient(gate, operator, input);
    return null;
  },
);

export const rotateOidcClientSecret = call(
  "oidc_client.rotate_secret",
  {
    input: Type.Object({ client_id: ClientId, overlap_seconds: Type.Optional(Type.Integer()) }, closed),
    output: Type.Object({ client_secret: Type.String(), overlap_seconds: Type.Integer() }),
  },
  async ({ gate }, input) => await rotateClientSecret(gate, operator, input),
);

export const createInitialAccessToken = call(
  "initial_access_token.create",
  { input: Type.Object({ life_seconds: Type.Optional(Type.Integer()) }, closed), output: Type.Object({ initial_access_token: Type.String(), expires_at: Type.String() }) },
  async ({ gate }, input) => await createInitialAccessTokenOperation(gate, operator, input),
);

export const oidcClientCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [
  createOidcClient,
  listOidcClients,
  readOidcClient,
  updateOidcClient,
  deleteOidcClient,
  rotateOidcClientSecret,
  createInitialAccessToken,
];
