/** Access tokens that a client of the platform's own got by the code flow, at the REST API: the person, within the sign-in, and nothing longer. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { operator, type Caller } from "../../src/gate/caller.ts";
import { endSession } from "../../src/identity/sessions.ts";
import { updateClient } from "../../src/oidc/clients/client-operations.ts";
import { createClientKey, signProof } from "../support/client-assertion.ts";
import { type Flow, type FlowOptions, type Parameters, startFlow } from "../support/code-flow.ts";
import { post } from "../support/oauth.ts";
import { addClient, addFirstParty } from "../support/oidc-client.ts";
import { codeOf } from "../support/refusal.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());

let made = 0;
async function ownFlow(metadata: Readonly<Record<string, unknown>> = {}, options: FlowOptions = {}): Promise<Flow> {
  made += 1;
  const wanted = { grant_types: ["authorization_code", "refresh_token"], scope: "openid api offline_access", resources: [site.urls.api], ...metadata };
  return await startFlow(site, { client: await addFirstParty(site.gate, `own-${made}`, wanted), ...options });
}
const forApi = (parameters: Parameters = {}): Parameters => ({ scope: "openid api", resource: site.urls.api, ...parameters });
const me = async (token: unknown, headers = {}) => await site.call("/api/v1/users/me", { as: { ...bearer(String(token)), ...headers } });
const status = async (token: unknown) => (await me(token)).status;
const person = ({ session }: Flow): Caller => ({ kind: "user", userId: session.userId, sessionId: session.sessionId, isAdministrator: false, teamId: undefined });

test("the token speaks for the person, with all its audiences or narrowed to the API", async () => {
  const flow = await ownFlow();
  const all = await flow.tokens(forApi());
  const answer = await me(all["access_token"]);
  expect([answer.status, answer.body["id"]]).toEqual([200, flow.session.userId]);
  const narrowed = await flow.redeem(await flow.code(forApi()), { resource: site.urls.api });
  expect(await status(narrowed.body["access_token"])).toBe(200);
  const refreshed = await flow.refresh(String(all["refresh_token"]), { resource: site.urls.api });
  expect(await status(refreshed.body["access_token"])).toBe(200);
});

test("it is over with the sign-in, at once, also when the API itself ends it", async () => {
  const flow = await ownFlow();
  const { access_token } = await flow.tokens(forApi());
  expect(await status(access_token)).toBe(200);
  await endSession(site.gate, person(flow), undefined);
  expect(await status(access_token)).toBe(401);
  const other = await ownFlow();
  const token = (await other.tokens(forApi()))["access_token"];
  expect((await site.call("/api/v1/auth/logout", { method: "POST", as: bearer(String(token)) })).status).toBeLessThan(300);
  expect(await status(token)).toBe(401);
});

test("it is over when it, or the refresh token beside it, is given back", async () => {
  const flow = await ownFlow();
  for (const name of ["access_token", "refresh_token"]) {
    const tokens = await flow.tokens(forApi());
    expect(await status(tokens["access_token"])).toBe(200);
    await post(site, "revocation", { form: { token: String(tokens[name]), client_id: flow.client.id } });
    expect([name, await status(tokens["access_token"])]).toEqual([name, 401]);
  }
});

test("it is over when its code or its refresh token is replayed", async () => {
  const flow = await ownFlow();
  const code = await flow.code(forApi());
  const { body } = await flow.redeem(code);
  expect(await status(body["access_token"])).toBe(200);
  await flow.redeem(code);
  expect(await status(body["access_token"])).toBe(401);
});

test("it is over while the person is disabled", async () => {
  const flow = await ownFlow();
  const { access_token } = await flow.tokens(forApi());
  const { store, services } = site.gate;
  const set = async (disabled_at: number | null) => await store.write(async (writer) => void (await writer.update(writer.tables.users).set({ disabled_at })));
  await set(services.clock.now());
  expect(await status(access_token)).toBe(401);
  await set(null);
  expect(await status(access_token)).toBe(200);
});

test("a token without the API's audience or scope, or bound to a key, is refused", async () => {
  const flow = await ownFlow();
  const noResource = await flow.tokens({ scope: "openid api" });
  expect(await status(noResource["access_token"])).toBe(401);
  const noScope = await flow.tokens({ scope: "openid", resource: site.urls.api });
  expect(await status(noScope["access_token"])).toBe(401);
  const key = createClientKey();
  const now = Math.floor(site.gate.services.clock.now() / 1_000);
  const bound = await flow.redeem(await flow.code(forApi()), {}, { dpop: signProof(key, { url: `${site.urls.issuer}/oauth/token`, now }) });
  expect(bound.status).toBe(200);
  expect(await status(bound.body["access_token"])).toBe(401);
});

test("offline access has no sign-in to act within, and a client has no person", async () => {
  const flow = await ownFlow();
  const offline = await flow.tokens(forApi({ scope: "openid api offline_access" }));
  expect(await status(offline["access_token"])).toBe(401);
  const service = await ownFlow({ redirect_uris: [], grant_types: ["client_credentials"], response_types: [], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [createClientKey().publicJwk] } });
  expect(service.client.secret).toBe("");
});

test("a client of others never gets there: not the scope, and with the audience not the door", async () => {
  expect(await codeOf(addClient(site.gate, { scope: "openid api" }))).toBe("invalid_request");
  const client = await addClient(site.gate, { scope: "openid profile", resources: [site.urls.api] });
  const flow = await startFlow(site, { client });
  const tokens = await flow.tokens({ scope: "openid profile", resource: site.urls.api });
  expect(await status(tokens["access_token"])).toBe(401);
  expect(await codeOf(updateClient(site.gate, operator, { client_id: client.id, metadata: { scope: "api" } }))).toBe("invalid_request");
});
