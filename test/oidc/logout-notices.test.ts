/** OpenID Connect Back-Channel Logout 1.0: every end of a sign-in is told to every client of it, at least once, and to nobody else. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { eq } from "drizzle-orm";
import { operator, system, type Caller } from "../../src/gate/caller.ts";
import { changePassword } from "../../src/identity/password-change.ts";
import { endOtherSessions, endOwnSession } from "../../src/identity/own-sessions.ts";
import { endSession } from "../../src/identity/sessions.ts";
import { deleteClient, updateClient } from "../../src/oidc/clients/client-operations.ts";
import { addSigningKey } from "../../src/oidc/key-rotation.ts";
import { deliverLogoutNotices } from "../../src/oidc/logout-delivery.ts";
import { startLogoutNotices } from "../../src/oidc/logout-timer.ts";
import { NOTICE_ATTEMPTS_MAX } from "../../src/oidc/logout-notices.ts";
import { createKeyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { createLog } from "../../src/log.ts";
import { type Flow, startFlow } from "../support/code-flow.ts";
import { eventually } from "../support/eventually.ts";
import { afterEachRead } from "../support/gate.ts";
import { addClient } from "../support/oidc-client.ts";
import { PASSWORD } from "../support/people.ts";
import { publish, type Published } from "../support/published.ts";
import { codeOf, strangersTo } from "../support/refusal.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let published: Published;
beforeEach(async () => {
  site = await startRoles();
  published = publish(site.world.services);
});
afterEach(() => site.close());

const uriOf = (name: string) => `https://${name}.example/logout`;
const userOf = ({ session }: Flow): Caller => ({ kind: "user", userId: session.userId, sessionId: session.sessionId, isAdministrator: false, teamId: undefined });
/** A client that listens, and somebody who is signed in at it. */
async function signedIn(name: string, metadata: Readonly<Record<string, unknown>> = {}, parameters: Readonly<Record<string, string>> = {}): Promise<Flow> {
  const flow = await startFlow(site, { metadata: { backchannel_logout_uri: uriOf(name), ...metadata } });
  await flow.tokens(parameters);
  published.documents.set(uriOf(name), 200);
  return flow;
}
const look = async (gate = site.gate) => await deliverLogoutNotices(gate, system, { keyring: site.keyring, signal: new AbortController().signal });
const told = () => published.posted.map(({ url }) => url);
const notices = async () => await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.oidcLogoutNotices));
async function claimsOf(token: string | undefined) {
  const keys = createLocalJWKSet({ keys: (await listPublicKeys(site.gate, { kind: "anonymous" }, { keyring: createKeyring(site.gate) })).keys.map((key) => ({ ...key })) });
  const { payload } = await jwtVerify(token ?? "", keys, { currentDate: new Date(site.gate.services.clock.now()) });
  return payload;
}

describe("a logout token", () => {
  test("says whose which sign-in ended, for one client, and cannot pass for an ID token", async () => {
    const flow = await signedIn("a");
    await endSession(site.gate, userOf(flow), undefined);
    expect(await look()).toEqual({ told: 1, failures: [] });
    const [{ url, form } = { url: "", form: {} }] = published.posted;
    expect([url, Object.keys(form)]).toEqual([uriOf("a"), ["logout_token"]]);
    const claims = await claimsOf(form["logout_token"]);
    const now = Math.floor(site.gate.services.clock.now() / 1_000);
    expect(claims).toEqual({
      iss: site.gate.settings.issuerUrl,
      sub: flow.session.userId,
      aud: flow.client.id,
      iat: now,
      exp: now + 120,
      jti: expect.any(String),
      sid: flow.session.sessionId,
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    expect(claims["nonce"]).toBeUndefined();
    expect(decodeProtectedHeader(form["logout_token"] ?? "")).toMatchObject({ typ: "logout+jwt", alg: "ES256", kid: expect.any(String) });
  });

  test("is signed with the client's own algorithm, and a pairwise client gets the sub and sid that it knows", async () => {
    await addSigningKey(site.gate, operator, { alg: "EdDSA" });
    const flow = await startFlow(site, { metadata: { backchannel_logout_uri: uriOf("a"), id_token_signed_response_alg: "EdDSA", subject_type: "pairwise" } });
    const id = await claimsOf(String((await flow.tokens())["id_token"]));
    published.documents.set(uriOf("a"), 204);
    await endSession(site.gate, userOf(flow), undefined);
    await look();
    const token = published.posted[0]?.form["logout_token"];
    const { sub, sid } = await claimsOf(token);
    expect(decodeProtectedHeader(token ?? "").alg).toBe("EdDSA");
    expect([sub, sid]).toEqual([id.sub, id["sid"]]);
    expect([sub === flow.session.userId, sid === flow.session.sessionId]).toEqual([false, false]);
  });

  test("with offline access has the sid of its ID token, and the refresh token goes on", async () => {
    const flow = await startFlow(site, { metadata: { backchannel_logout_uri: uriOf("a") } });
    const tokens = await flow.tokens({ scope: "openid offline_access" });
    published.documents.set(uriOf("a"), 200);
    await endSession(site.gate, userOf(flow), undefined);
    await look();
    expect((await claimsOf(published.posted[0]?.form["logout_token"]))["sid"]).toBe((await claimsOf(String(tokens["id_token"])))["sid"]);
    expect((await flow.refresh(String(tokens["refresh_token"]))).status).toBe(200);
  });
});

describe("told of the end by", () => {
  const ways: readonly [string, (flow: Flow) => Promise<unknown>][] = [
    ["signing out", (flow) => endSession(site.gate, userOf(flow), undefined)],
    ["ending it oneself elsewhere", async (flow) => await endOwnSession(site.gate, { ...userOf(flow), ...{ sessionId: (await startFlow(site)).session.sessionId } }, { session_id: flow.session.sessionId })],
    ["ending all others", async (flow) => await endOtherSessions(site.gate, { ...userOf(flow), ...{ sessionId: (await startFlow(site)).session.sessionId } }, undefined)],
    ["a new password", async (flow) => await changePassword(site.gate, { ...userOf(flow), ...{ sessionId: (await startFlow(site)).session.sessionId } }, { current_password: PASSWORD, new_password: "a quite different one" })],
    ["whatever else writes it into the row, such as a replay", ({ session }) => site.gate.store.write(async (w) => await w.update(w.tables.sessions).set({ ended_at: 1, end_reason: "replayed" }).where(eq(w.tables.sessions.id, session.sessionId)))],
    ["disabling the person", ({ session }) => site.gate.store.write(async (w) => await w.update(w.tables.users).set({ disabled_at: site.gate.services.clock.now() }).where(eq(w.tables.users.id, session.userId)))],
  ];
  test.each(ways)("%s", async (_way, end) => {
    const flow = await signedIn("a");
    expect(await look()).toEqual({ told: 0, failures: [] });
    await end(flow);
    expect(await look()).toMatchObject({ told: 1 });
    expect((await claimsOf(published.posted[0]?.form["logout_token"]))["sid"]).toBe(flow.session.sessionId);
    expect(await look()).toEqual({ told: 0, failures: [] });
  });
});

describe("not told is", () => {
  test("a client of another sign-in, one that does not listen, one without openid, one that is disabled or gone", async () => {
    const flow = await signedIn("a");
    const other = await signedIn("other");
    const grant = async (metadata: object, scope = "openid") => {
      const client = await addClient(site.gate, { grant_types: ["authorization_code", "refresh_token"], scope: "openid profile", ...metadata });
      await flow.authorizeAs(client, { scope });
      return client;
    };
    await grant({});
    await grant({ backchannel_logout_uri: uriOf("plain") }, "profile");
    const disabled = await grant({ backchannel_logout_uri: uriOf("disabled") });
    const gone = await grant({ backchannel_logout_uri: uriOf("gone") });
    await grant({ backchannel_logout_uri: uriOf("second") });
    published.documents.set(uriOf("second"), 200);
    await updateClient(site.gate, operator, { client_id: disabled.id, is_disabled: true });
    await deleteClient(site.gate, operator, { client_id: gone.id });
    await endSession(site.gate, userOf(flow), undefined);
    expect(await look()).toEqual({ told: 2, failures: [] });
    expect(told().toSorted()).toEqual([uriOf("a"), uriOf("second")]);
    await endSession(site.gate, userOf(other), undefined);
    await look();
    expect(told().at(-1)).toBe(uriOf("other"));
  });

  test("a client that stopped listening, or was disabled, after the end was noted", async () => {
    const flow = await signedIn("a");
    published.documents.set(uriOf("a"), 500);
    await endSession(site.gate, userOf(flow), undefined);
    await look();
    await updateClient(site.gate, operator, { client_id: flow.client.id, metadata: { backchannel_logout_uri: null } });
    site.world.services.clock.advance(60_000);
    expect(await look()).toEqual({ told: 1, failures: [] });
    expect([told().length, await notices()]).toEqual([1, []]);
  });
});

describe("a client that does not say yes", () => {
  test.each([400, 404, 500, 302, undefined])("(%s) is asked again, further and further apart, and given up at the end", async (status) => {
    const flow = await signedIn("a");
    if (status === undefined) published.documents.clear();
    else published.documents.set(uriOf("a"), status);
    await endSession(site.gate, userOf(flow), undefined);
    for (let attempt = 1; attempt <= NOTICE_ATTEMPTS_MAX; attempt += 1) {
      expect((await look()).failures).toMatchObject([{ client_id: flow.client.id, attempts: attempt, isDropped: attempt === NOTICE_ATTEMPTS_MAX }]);
      expect(await look()).toEqual({ told: 0, failures: [] });
      site.world.services.clock.advance(30_000 * attempt ** 2 - 1);
      expect(await look()).toEqual({ told: 0, failures: [] });
      site.world.services.clock.advance(1);
    }
    expect(await look()).toEqual({ told: 0, failures: [] });
    expect([told().length, await notices()]).toEqual([NOTICE_ATTEMPTS_MAX, []]);
    const tokens = published.posted.map(({ form }) => form["logout_token"]);
    expect(new Set(tokens).size).toBe(NOTICE_ATTEMPTS_MAX);
  });

  test("and says it later is told then, with a token of that moment", async () => {
    const flow = await signedIn("a");
    published.documents.set(uriOf("a"), 503);
    await endSession(site.gate, userOf(flow), undefined);
    await look();
    published.documents.set(uriOf("a"), 200);
    site.world.services.clock.advance(30_000);
    expect(await look()).toEqual({ told: 1, failures: [] });
    expect((await claimsOf(published.posted.at(-1)?.form["logout_token"])).iat).toBe(Math.floor(site.gate.services.clock.now() / 1_000));
  });

  test("holds up nobody else, and is asked once in a look", async () => {
    const dead = await startFlow(site, { metadata: { backchannel_logout_uri: uriOf("dead") } });
    const flows = [];
    for (let each = 0; each < 5; each += 1) {
      const flow = await signedIn(`live${each}`);
      await flow.authorizeAs(dead.client, {});
      flows.push(flow);
    }
    for (const flow of flows) await endSession(site.gate, userOf(flow), undefined);
    const report = await look();
    expect([report.told, report.failures.length]).toEqual([5, 1]);
    expect((await notices()).length).toBe(5);
  });

  test("has an address in this network: refused, logged, and given up like any other", async () => {
    const flow = await signedIn("a");
    site.world.services.replaceNetwork({ resolve: async () => ["169.254.169.254"], exchange: async () => { throw new Error("it was connected to"); } });
    await endSession(site.gate, userOf(flow), undefined);
    const { failures } = await look();
    expect(`${failures[0]?.cause}`).toContain("link_local");
  });
});

test("two processes that look at once tell each client once", async () => {
  const flows = [];
  for (let each = 0; each < 6; each += 1) flows.push(await signedIn(`c${each}`));
  for (const flow of flows) await endSession(site.gate, userOf(flow), undefined);
  await Promise.all([look(), look(), look()]);
  await look();
  expect(told().toSorted()).toEqual(flows.map((_, each) => uriOf(`c${each}`)));
});

test("a process that is killed between taking and telling loses nothing", async () => {
  const flow = await signedIn("a");
  await endSession(site.gate, userOf(flow), undefined);
  const killed = afterEachRead(site.gate, async () => {
    if ((await notices()).some(({ attempts }) => attempts > 0)) throw new Error("killed");
  });
  await expect(look(killed)).rejects.toThrow("killed");
  expect(told()).toEqual([]);
  site.world.services.clock.advance(30_000);
  expect(await look()).toEqual({ told: 1, failures: [] });
});

test("nobody but the process itself may have notices delivered", async () => {
  for (const { caller, code } of strangersTo("logout_notice.deliver")) expect(await codeOf(deliverLogoutNotices(site.gate, caller, { keyring: site.keyring, signal: new AbortController().signal }))).toBe(code);
});

test("the timer tells within a second, logs what fails, and stops", async () => {
  const lines: string[] = [];
  const timer = startLogoutNotices(site.gate, site.keyring, createLog(site.gate.services.clock, "info", (line) => void lines.push(line)));
  const flow = await signedIn("a");
  published.documents.set(uriOf("a"), 500);
  await endSession(site.gate, userOf(flow), undefined);
  site.world.services.clock.advance(1_000);
  await eventually(() => lines.length === 1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", event: "logout_notice.failed", client_id: flow.client.id, attempts: 1 });
  expect(lines.join("")).not.toContain(published.posted[0]?.form["logout_token"] ?? "no token");
  await timer.stop();
  site.world.services.clock.advance(60_000);
  expect(told().length).toBe(1);
});

test("stopping does not wait for a client that does not answer, and the notice is told later", async () => {
  const flow = await signedIn("a");
  const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
  site.world.services.replaceNetwork({
    resolve: async () => ["93.184.216.34"],
    exchange: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("given up")));
        ask();
      }),
  });
  const timer = startLogoutNotices(site.gate, site.keyring, createLog(site.gate.services.clock, "error", () => {}));
  await endSession(site.gate, userOf(flow), undefined);
  site.world.services.clock.advance(1_000);
  await isAsked;
  await timer.stop();
  published = publish(site.world.services);
  published.documents.set(uriOf("a"), 200);
  site.world.services.clock.advance(30_000);
  expect(await look()).toEqual({ told: 1, failures: [] });
});
