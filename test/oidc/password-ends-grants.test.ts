/** A new password ends what clients were given with the old one: sign-ins, and access that outlives them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Caller, operator } from "../../src/gate/caller.ts";
import { changePassword } from "../../src/identity/password-change.ts";
import { completePasswordReset, createResetLink } from "../../src/identity/password-reset.ts";
import { type Flow, startFlow } from "../support/code-flow.ts";
import { addPerson, anonymous, PASSWORD } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

const OFFLINE = { scope: "openid offline_access" };
const NEW_PASSWORD = "four other words entirely";

let site: TestRoles;
let address: string;
let flow: Flow;
let person: Caller;

beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(async () => {
  site.world.services.clock.advance(1_000);
  address = `p${site.world.services.clock.now()}@example.com`;
  await addPerson(site.gate, { address });
  flow = await startFlow(site, { address });
  person = { kind: "user", userId: flow.session.userId, sessionId: flow.session.sessionId, isAdministrator: false, teamId: undefined };
});

const change = async () => await changePassword(site.gate, person, { current_password: PASSWORD, new_password: NEW_PASSWORD });

async function reset(): Promise<void> {
  const { reset_url } = await createResetLink(site.gate, operator, { email_address: address });
  await completePasswordReset(site.gate, anonymous, { reset_token: reset_url.split("/").at(-1) ?? "", new_password: NEW_PASSWORD });
}

async function errorOf(refresh: unknown): Promise<unknown> {
  site.world.services.clock.advance(1_000);
  const { status, body } = await flow.refresh(String(refresh));
  return status === 200 ? undefined : body["error"];
}

async function statusAtUserinfo(token: unknown): Promise<number> {
  return (await site.call("/oauth/userinfo", { role: "issuer", headers: { authorization: `Bearer ${String(token)}` } })).status;
}

test.each([
  ["changed by the person", change],
  ["reset by link", reset],
] as const)("a password %s ends access that was given for when the person is away", async (_name, deed) => {
  const { refresh_token, access_token } = await flow.tokens(OFFLINE);
  const unused = await flow.code(OFFLINE);
  expect(await statusAtUserinfo(access_token)).toBe(200);
  await deed();
  expect(await errorOf(refresh_token)).toBe("invalid_grant");
  expect(await statusAtUserinfo(access_token)).toBe(401);
  expect((await flow.redeem(unused)).body["error"]).toBe("invalid_grant");
});

test("a change leaves what hangs on the session that made it, and a reset does not", async () => {
  const { refresh_token } = await flow.tokens();
  await change();
  expect(await errorOf(refresh_token)).toBeUndefined();
  const again = await flow.tokens();
  await reset();
  expect(await errorOf(again["refresh_token"])).toBe("invalid_grant");
});

test("what is given after the change stands", async () => {
  await change();
  site.world.services.clock.advance(1_000);
  const { refresh_token, access_token } = await flow.tokens(OFFLINE);
  expect([await errorOf(refresh_token), await statusAtUserinfo(access_token)]).toEqual([undefined, 200]);
});

test("other people's access goes on", async () => {
  const other = `o${site.world.services.clock.now()}@example.com`;
  await addPerson(site.gate, { address: other });
  const theirs = await startFlow(site, { address: other });
  const { refresh_token } = await theirs.tokens(OFFLINE);
  await change();
  site.world.services.clock.advance(1_000);
  expect((await theirs.refresh(String(refresh_token))).status).toBe(200);
});

test("a wrong current password ends nothing", async () => {
  const { refresh_token } = await flow.tokens(OFFLINE);
  await expect(changePassword(site.gate, person, { current_password: "another one", new_password: NEW_PASSWORD })).rejects.toThrow();
  expect(await errorOf(refresh_token)).toBeUndefined();
});
