/** What the operator on the host may ask for about upstream providers. */
import { Type } from "typebox";
import { operator } from "../../gate/caller.ts";
import { createProvider, deleteProvider, listProviders, readStoredProvider, updateProvider } from "../../identity/upstream/provider-operations.ts";
import { call, type OperatorCall } from "./call.ts";

const closed = { additionalProperties: false };
const Id = Type.String({ maxLength: 64 });
const Secret = Type.Optional(Type.String({ maxLength: 1_000 }));
/** The operation says which it takes. */
const Members = Type.Record(Type.String(), Type.Unknown());
const Provider = Type.Record(Type.String(), Type.Unknown());

const membersOf = (value: object) => Object.fromEntries(Object.entries(value));

export const createUpstreamProvider = call(
  "upstream_provider.create",
  { input: Type.Object({ id: Id, client_secret: Secret, members: Members }, closed), output: Provider },
  async ({ gate }, input) => membersOf(await createProvider(gate, operator, input)),
);

export const listUpstreamProviders = call(
  "upstream_provider.list",
  { input: Type.Null(), output: Type.Object({ providers: Type.Array(Provider) }) },
  async ({ gate }) => ({ providers: (await listProviders(gate, operator, undefined)).providers.map(membersOf) }),
);

export const readUpstreamProvider = call(
  "upstream_provider.read",
  { input: Type.Object({ id: Id }, closed), output: Provider },
  async ({ gate }, input) => membersOf(await readStoredProvider(gate, operator, input)),
);

export const updateUpstreamProvider = call(
  "upstream_provider.update",
  { input: Type.Object({ id: Id, client_secret: Secret, is_disabled: Type.Optional(Type.Boolean()), members: Members }, closed), output: Provider },
  async ({ gate }, input) => membersOf(await updateProvider(gate, operator, input)),
);

export const deleteUpstreamProvider = call(
  "upstream_provider.delete",
  { input: Type.Object({ id: Id }, closed), output: Type.Null() },
  async ({ gate }, input) => {
    await deleteProvider(gate, operator, input);
    return null;
  },
);

export const upstreamProviderCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [
  createUpstreamProvider,
  listUpstreamProviders,
  readUpstreamProvider,
  updateUpstreamProvider,
  deleteUpstreamProvider,
];
