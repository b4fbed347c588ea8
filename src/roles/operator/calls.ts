/**
 * What the operator on the host may ask for, and nothing else: each call is one operation with the shapes of what goes
 * in and what comes out.
 *
 * A command of the CLI asks through the running server's door (`door.ts`), or runs the same call on the store
 * itself when no server runs. Both ends check the shapes, because the two may be of different builds.
 *
 * Rule: translates, decides nothing; the caller is always `operator`.
 */
import { Type } from "typebox";
import { operator } from "../../gate/caller.ts";
import { createResetLink as createResetLinkOperation } from "../../identity/password-reset.ts";
import { resetSecondFactor as resetSecondFactorOperation } from "../../identity/second-factors.ts";
import { createSetupLink as createSetupLinkOperation } from "../../identity/setup-links.ts";
import { LICENSE_BYTES_MAX } from "../../license/document.ts";
import { LicenseStatusSchema, LicenseTestSchema } from "../../license/answers.ts";
import { createJoinToken as createJoinTokenOperation, listLeaseClients as listLeaseClientsOperation, revokeLeaseClient as revokeLeaseClientOperation } from "../../license/server/enrolment.ts";
import { installLicense as installLicenseOperation, reloadLicense as reloadLicenseOperation, testLicense as testLicenseOperation } from "../../license/server/operations.ts";
import { addSigningKey as addSigningKeyOperation, revokeSigningKey as revokeSigningKeyOperation, rotateSigningKeys as rotateSigningKeysOperation } from "../../oidc/key-rotation.ts";
import { listSigningKeys as listSigningKeysOperation } from "../../oidc/signing-keys.ts";
import { createAdministrator as createAdministratorOperation } from "../../teams/setup.ts";
import { call, type OperatorCall } from "./call.ts";
import { auditCalls } from "./audit-calls.ts";
import { backupCalls } from "./backup-calls.ts";
import { deploymentCalls } from "./deployment-calls.ts";
import { federationCalls } from "./federation-calls.ts";
import { oidcClientCalls } from "./oidc-client-calls.ts";
import { upstreamProviderCalls } from "./upstream-provider-calls.ts";

const closed = { additionalProperties: false };
const Nothing = Type.Null();
const Text = Type.String({ maxLength: 1_024 });
const MaybeText = Type.Union([Text, Type.Null()]);
const Instant = Type.Integer();
const LicenseText = Type.String({ maxLength: LICENSE_BYTES_MAX });

export const createAdministrator = call(
  "administrator.create",
  {
    input: Type.Object(
      { first_name: Text, last_name: Text, email_address: Text, user_password: Text, deployment_name: Type.Optional(Text), team_name: Type.Optional(Text) },
      closed,
    ),
    output: Type.Object({ user_id: Text, team_id: MaybeText }),
  },
  async ({ gate }, input) => await createAdministratorOperation(gate, operator, input),
);

export const createSetupLink = call(
  "setup_link.create",
  { input: Nothing, output: Type.Object({ setup_url: Text, expires_at: Text }) },
  async ({ gate }) => {
    const { setup_url, expires_at } = await createSetupLinkOperation(gate, operator, undefined);
    return { setup_url, expires_at };
  },
);

const Account = Type.Object({ email_address: Text }, closed);

export const createResetLink = call(
  "password_reset.create_link",
  { input: Account, output: Type.Object({ reset_url: Text, expires_at: Text }) },
  async ({ gate }, input) => await createResetLinkOperation(gate, operator, input),
);

export const resetSecondFactor = call("second_factor.reset", { input: Account, output: Nothing }, async ({ gate }, input) => {
  await resetSecondFactorOperation(gate, operator, input);
  return null;
});

export const testLicense = call(
  "license.test",
  { input: Type.Object({ license: LicenseText }, closed), output: LicenseTestSchema },
  async (scope, { license }) => {
    const server = await scope.licenseServer();
    const { differences, warnings, ...rest } = await testLicenseOperation(scope.gate, operator, { server, file: Buffer.from(license, "latin1") });
    return { ...rest, differences: [...differences], warnings: [...warnings] };
  },
);

export const installLicense = call(
  "license.install",
  { input: Type.Object({ license: LicenseText }, closed), output: LicenseStatusSchema },
  async (scope, { license }) => {
    const server = await scope.licenseServer();
    return await installLicenseOperation(scope.gate, operator, { server, file: Buffer.from(license, "latin1") });
  },
);

export const reloadLicense = call("license.reload", { input: Nothing, output: LicenseStatusSchema }, async (scope) => {
  return await reloadLicenseOperation(scope.gate, operator, { server: await scope.licenseServer() });
});

const Client = Type.Object({
  id: Text,
  role: Text,
  enrolled_by: Text,
  enrolled_at: Instant,
  revoked_at: Type.Union([Instant, Type.Null()]),
  last_lease_at: Type.Union([Instant, Type.Null()]),
  counter: Instant,
});

export const listLeaseClients = call("lease_client.list", { input: Nothing, output: Type.Array(Client) }, async ({ gate }) => [
  ...(await listLeaseClientsOperation(gate, operator, undefined)),
]);

export const revokeLeaseClient = call(
  "lease_client.revoke",
  { input: Type.Object({ client_id: Text }, closed), output: Nothing },
  async (scope, { client_id }) => {
    await revokeLeaseClientOperation(scope.gate, operator, { server: await scope.licenseServer(), clientId: client_id });
    return null;
  },
);

export const createJoinToken = call(
  "join_token.create",
  { input: Nothing, output: Type.Object({ token: Text, id: Text, expires_at: Instant }) },
  async (scope) => await createJoinTokenOperation(scope.gate, operator, { server: await scope.licenseServer() }),
);

const Alg = Type.Union([Type.Literal("ES256"), Type.Literal("EdDSA"), Type.Literal("RS256")]);
const MaybeInstant = Type.Union([Instant, Type.Null()]);
const KeyChange = Type.Object({ alg: Alg, kid: Text, active_from: Instant, retires: MaybeText });
const ListedKey = Type.Object({
  kid: Text,
  alg: Text,
  state: Text,
  created_at: Instant,
  active_from: Instant,
  retired_at: MaybeInstant,
  published_until: MaybeInstant,
  revoked_at: MaybeInstant,
});

export const listSigningKeys = call("signing_key.list", { input: Nothing, output: Type.Array(ListedKey) }, async ({ gate }) => [
  ...(await listSigningKeysOperation(gate, operator, undefined)),
]);

export const addSigningKey = call(
  "signing_key.add",
  { input: Type.Object({ alg: Alg }, closed), output: Type.Union([KeyChange, Type.Null()]) },
  async ({ gate }, { alg }) => (await addSigningKeyOperation(gate, operator, { alg })) ?? null,
);

export const rotateSigningKeys = call(
  "signing_key.rotate",
  { input: Type.Object({ alg: Type.Union([Alg, Type.Null()]), is_now: Type.Boolean() }, closed), output: Type.Array(KeyChange) },
  async ({ gate }, { alg, is_now }) => [...(await rotateSigningKeysOperation(gate, operator, { alg: alg ?? undefined, time: is_now ? "now" : "soon" }))],
);

export const revokeSigningKey = call(
  "signing_key.revoke",
  { input: Type.Object({ kid: Text }, closed), output: Type.Object({ kid: Text, revoked_at: Instant, successor: MaybeText }) },
  async ({ gate }, { kid }) => await revokeSigningKeyOperation(gate, operator, { kid }),
);

/** Every call that the door admits. */
export const operatorCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [
  createAdministrator,
  createSetupLink,
  createResetLink,
  resetSecondFactor,
  testLicense,
  installLicense,
  reloadLicense,
  listLeaseClients,
  revokeLeaseClient,
  createJoinToken,
  ...oidcClientCalls,
  ...upstreamProviderCalls,
  ...auditCalls,
  ...backupCalls,
  ...deploymentCalls,
  ...federationCalls,
  listSigningKeys,
  addSigningKey,
  rotateSigningKeys,
  revokeSigningKey,
];
