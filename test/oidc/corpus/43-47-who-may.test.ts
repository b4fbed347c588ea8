/** Advisories 43 to 47: nobody changes what they may only read, and who one is comes from the credential alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operations, type OperationName, rowOf } from "../../../src/gate/operations.ts";
import type { CallerKind } from "../../../src/gate/caller.ts";
import { issueAccessToken } from "../../../src/oidc/access-tokens.ts";
import { startFlow } from "../../support/code-flow.ts";
import { auditRows } from "../../support/gate.ts";
import { addClient, type TestClient } from "../../support/oidc-client.ts";
import { addPerson, signIn } from "../../support/people.ts";
import { type Answer, bearer, type CallOptions, type Credentials, type Shown, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let client: TestClient;
let credentials: Credentials;
const members = new Map<string, Shown>();

beforeAll(async () => {
  site = await startRoles();
  client = await addClient(site.gate);
  const { teamId } = site.people;
  for (const role of ["admin", "member", "viewer"] as const) {
    const person = await addPerson(site.gate, { teamId, role });
    const session = await signIn(site.gate, `${person.userId}@example.com`);
    members.set(role, { ...bearer(await issueAccessToken(site.gate, site.keyring, session)), "x-team-id": teamId });
  }
});
afterAll(() => site.close());
beforeEach(async () => {
  credentials = await site.credentials();
});

const shownBy = (who: string): Shown => {
  const shown = members.get(who) ?? Object.entries(credentials).find(([name]) => name === who)?.[1];
  if (shown === undefined) throw new Error(`there is no ${who}`);
  return shown;
};

type Deed = readonly [name: string, path: string, options: CallOptions];
const metadata = { client_name: "Taken over", redirect_uris: ["https://evil.example/cb"] };
const clientDeeds = (): readonly Deed[] => [
  ["list", "/api/v1/oidc/clients", {}],
  ["create", "/api/v1/oidc/clients", { json: { metadata } }],
  ["read", `/api/v1/oidc/clients/${client.id}`, {}],
  ["change", `/api/v1/oidc/clients/${client.id}`, { method: "PATCH", json: { metadata } }],
  ["rotate the secret of", `/api/v1/oidc/clients/${client.id}/secret`, { json: {} }],
  ["delete", `/api/v1/oidc/clients/${client.id}`, { method: "DELETE" }],
  ["make an initial access token for", "/api/v1/oidc/initial-access-tokens", { json: {} }],
];
const everybodyElse = ["admin", "member", "viewer", "device", "integration", "agent", "stranger", "revoked", "ended"] as const;
const deeds = ["list", "create", "read", "change", "rotate the secret of", "delete", "make an initial access token for"] as const;

async function everything(): Promise<string> {
  const { oidcClients, oidcInitialTokens } = await site.gate.store.read(async (reader) => ({
    oidcClients: await reader.select().from(reader.tables.oidcClients),
    oidcInitialTokens: await reader.select().from(reader.tables.oidcClientSecrets),
  }));
  return JSON.stringify([oidcClients, oidcInitialTokens]);
}

describe("advisory 47: an OIDC client is not for them to touch:", () => {
  test.each(everybodyElse.flatMap((who) => deeds.map((deed) => [who, deed] as const)))("%s may not %s one", async (who, name) => {
    const before = await everything();
    const [, path, options] = clientDeeds().find(([each]) => each === name) ?? ["", "", {}];
    const answer = await site.call(path, { ...options, as: shownBy(who) });
    expect([[401, 403].includes(answer.status), answer.text.includes(client.id), answer.body["client_secret"]]).toEqual([true, false, undefined]);
    expect(await everything()).toBe(before);
  });
});

const changing = Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name)).filter((name) => /\.(?:create|update|delete|revoke|change|remove|reset|rotate|enrol|confirm|renew|rename|transfer|upload|install|add|invite|accept|approve|confirm)/.test(name));
const keyKinds: readonly CallerKind[] = ["integration", "agent"];

describe("advisory 43: every operation that changes something is closed by default:", () => {
  test.each(changing)("%s accepts no key of a team, and strangers only where the row says so", (name) => {
    const { accepts } = rowOf(name);
    // What an integration may do at run time is running, not administering; those rows are named for it.
    expect(accepts.filter((kind) => keyKinds.includes(kind) && !/runtime|task|execution/.test(name))).toEqual([]);
    expect(new Set(accepts).size).toBe(accepts.length);
  });

  const teamDeeds: readonly (readonly [string, string, (id: string) => readonly [string, CallOptions]])[] = [
    ["viewer", "make a key", () => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x" } }]],
    ["member", "make a key", () => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x" } }]],
    ["viewer", "revoke a key that it sees", (id) => [`/api/v1/credentials/${id}`, { method: "DELETE" }]],
    ["member", "revoke a key that it sees", (id) => [`/api/v1/credentials/${id}`, { method: "DELETE" }]],
  ];
  test.each(teamDeeds)("a %s may not %s", async (who, _deed, make) => {
    const made = await site.call("/api/v1/credentials", { as: shownBy("user"), json: { kind: "integration", display_name: "kept" } });
    const id = String(made.body["id"]);
    expect((await site.call("/api/v1/credentials", { as: shownBy(who) })).status).toBe(200);
    const [path, options] = make(id);
    expect((await site.call(path, { ...options, as: shownBy(who) })).status).toBe(403);
    expect((await site.call("/api/v1/r/workflows", { as: bearer(String(made.body["raw_key"])) })).status).toBe(200);
  });

  test("somebody of another team sees nothing of it and changes nothing in it", async () => {
    const made = await site.call("/api/v1/credentials", { as: shownBy("user"), json: { kind: "integration", display_name: "kept" } });
    const outsider = await addPerson(site.gate);
    const token = await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, `${outsider.userId}@example.com`));
    for (const teamId of [site.people.teamId, "00000000-0000-7000-8000-00000000000f"]) {
      const as = { ...bearer(token), "x-team-id": teamId };
      const answers = [await site.call("/api/v1/credentials", { as }), await site.call(`/api/v1/credentials/${String(made.body["id"])}`, { method: "DELETE", as })];
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    }
  });
});

const pageNumbers = ["0", "-1", "1.5", "1e9", "NaN", "Infinity", "9007199254740993", "' or 1=1 --", "1;drop table users", "%00", "1,2", "[]", "0x10"];
const lists = ["/api/v1/teams", "/api/v1/credentials"] as const;
const refusedPage = ({ status, text }: Answer) => [status, /sql|sqlite|syntax|postgres/i.test(text)];

describe("advisory 44: a page is a number in its bounds, and no way to the database:", () => {
  test.each(pageNumbers)("%j", async (value) => {
    for (const path of lists) {
      for (const name of ["current_page", "per_page"]) {
        const answer = await site.call(`${path}?${name}=${encodeURIComponent(value)}`, { as: shownBy("user") });
        // Hexadecimal is a number to the framework; whatever it is read as has to be within bounds.
        expect([path, name, ...(value === "0x10" && answer.status === 200 ? [400, false] : refusedPage(answer))]).toEqual([path, name, 400, false]);
      }
    }
  });

  test.each(["' or 1=1 --", "x", "00000000-0000-7000-8000-000000000000'", "../../etc", "\u0000", "x".repeat(5_000)])("the mark %j where a list of clients goes on", async (after) => {
    const answer = await site.call(`/api/v1/oidc/clients?after=${encodeURIComponent(after)}`, { as: shownBy("user") });
    expect([answer.status < 500, /sql|syntax|stack/i.test(answer.text)]).toEqual([true, false]);
  });

  test.each(["order_by", "sort", "filter", "columns", "fields"])("the unknown parameter %s chooses no column", async (name) => {
    const answer = await site.call(`/api/v1/credentials?${name}=digest`, { as: shownBy("user") });
    expect([[200, 400].includes(answer.status), answer.text.includes("digest")]).toEqual([true, answer.status === 400 && answer.text.includes("digest")]);
  });
});

describe("advisory 45: who acts is the credential's to say, not", () => {
  const places: readonly (readonly [string, (id: string) => readonly [string, CallOptions]])[] = [
    ["the body", (id) => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x", user_id: id } }]],
    ["the body in another spelling", (id) => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x", userId: id } }]],
    ["the address", (id) => [`/api/v1/credentials?user_id=${id}`, { json: { kind: "integration", display_name: "x" } }]],
    ["a header", (id) => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x" }, headers: { "x-user-id": id, "x-forwarded-user": id, "remote-user": id } }]],
    ["a cookie", (id) => ["/api/v1/credentials", { json: { kind: "integration", display_name: "x" }, headers: { cookie: `user_id=${id}; cyberun=${id}` } }]],
  ];
  test.each(places)("%s, from a stranger", async (_name, make) => {
    const [path, options] = make(site.people.owner.userId);
    const answer = await site.call(path, { ...options, headers: { ...options.headers, "x-team-id": site.people.teamId } });
    expect([answer.status, answer.body["raw_key"]]).toEqual([401, undefined]);
  });

  test.each(places)("%s, from a viewer", async (_name, make) => {
    const [path, options] = make(site.people.owner.userId);
    const answer = await site.call(path, { ...options, as: shownBy("viewer") });
    expect([[400, 403].includes(answer.status), answer.body["raw_key"]]).toEqual([true, undefined]);
  });

  test("and the audit row names the caller of the credential", async () => {
    await site.call("/api/v1/credentials", { as: shownBy("user"), json: { kind: "integration", display_name: "x" }, headers: { "x-user-id": "somebody" } });
    expect((await auditRows(site.gate.store)).findLast(({ operation }) => operation === "credential.create")?.actor).toBe(`user:${site.people.owner.userId}`);
  });
});

describe("advisory 46: a key does not change who may sign in, nor make or renew keys:", () => {
  const doors: readonly Deed[] = [
    ["make a key", "/api/v1/credentials", { json: { kind: "integration", display_name: "x" } }],
    ["list keys", "/api/v1/credentials", {}],
    ["revoke a key", "/api/v1/credentials/00000000-0000-7000-8000-00000000000f", { method: "DELETE" }],
    ["change the password", "/api/v1/users/me/password", { method: "PUT", json: { current_password: "x", new_password: "another good sentence" } }],
    ["enrol an authenticator", "/api/v1/users/me/second-factor", { json: { current_password: "x" } }],
    ["remove the authenticator", "/api/v1/users/me/second-factor/remove", { json: { current_password: "x", code: "1" } }],
    ["make recovery codes", "/api/v1/users/me/second-factor/recovery-codes", { json: { current_password: "x", code: "1" } }],
    ["reset somebody's authenticator", "/api/v1/users/00000000-0000-7000-8000-00000000000f/second-factor", { method: "DELETE" }],
    ["make a password link", "/api/v1/password-resets", { json: { email_address: "ada@example.com" } }],
    ["prove an address", "/api/v1/users/me/email-verification", { method: "POST" }],
    ["take back a consent", `/api/v1/users/me/consents/x`, { method: "DELETE" }],
    ["list sessions", "/api/v1/users/me/sessions", {}],
    ["sign out", "/api/v1/auth/logout", { method: "POST" }],
    ["upload a license", "/api/v1/license", { method: "PUT", json: {} }],
  ];
  test.each(doors)("to %s", async (_name, path, options) => {
    for (const who of ["integration", "agent", "device"] as const) expect([who, (await site.call(path, { ...options, as: shownBy(who) })).status]).toEqual([who, 403]);
  });

  test("a token of the issuer for a client does none of it either", async () => {
    const flow = await startFlow(site);
    const { access_token } = await flow.tokens();
    for (const [name, path, options] of doors) expect([name, (await site.call(path, { ...options, as: bearer(String(access_token)) })).status]).toEqual([name, 401]);
  });
});
