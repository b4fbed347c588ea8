/** What an authorization request may say beside the necessary (OpenID Connect Core 1.0 section 3.1.2.1): each parameter does what it is for, or nothing at all. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { endSession } from "../../../src/identity/sessions.ts";
import { parameterNames } from "../../../src/oidc/authorization/parameters.ts";
import { startAuthorization } from "../../../src/oidc/authorization/start.ts";
import { CHALLENGE, type Flow, type Parameters, REDIRECT, startFlow } from "../../support/code-flow.ts";
import { addPerson, anonymous } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: Flow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
});
afterAll(() => site.close());

const advance = (seconds: number) => site.world.services.clock.advance(seconds * 1_000);
const idClaims = async (parameters: Parameters = {}, of: Flow = flow) => decodeJwt(String((await of.tokens(parameters))["id_token"]));
const errorOf = async (parameters: Parameters, of: Flow = flow) => (await of.authorize(parameters))["error"];

test.each<[string, Parameters]>([
  ["unknown names", { foo: "bar", display: "popup", claims_locales: "de", registration: "{}", "constructor": "x", code: "x", client_secret: "x", audience: "x" }],
  ["empty values", { nonce: "", prompt: "", max_age: "", id_token_hint: "", request: "", claims: "", resource: "" }],
  ["an acr_values that nobody knows", { acr_values: "urn:mace:incommon:iap:silver phr" }],
  ["a login_hint of anything", { login_hint: `"><script>${"x".repeat(1_000)}` }],
  ["a ui_locales of anything", { ui_locales: "tlh xx-YY ../.." }],
  ["claims that are not known", { claims: '{"userinfo":{"shoe_size":null},"id_token":{"acr":{"values":["x"]},"foo":{"essential":true}}}' }],
])("%s change nothing", async (_name, parameters) => {
  const claims = await idClaims(parameters);
  expect([claims.sub, claims["acr"], claims["nonce"]]).toEqual([flow.session.userId, "urn:cyberun:acr:single-factor", undefined]);
});

test("a request that asks for the answer as a form gets it as one", async () => {
  const all = { client_id: flow.client.id, redirect_uri: REDIRECT, response_type: "code", scope: "nothing", code_challenge: CHALLENGE, code_challenge_method: "S256", response_mode: "form_post" };
  const started = await startAuthorization(site.gate, anonymous, { text: new URLSearchParams(all).toString(), keyring: site.keyring });
  expect(started).toMatchObject({ kind: "answer", response: { responseMode: "form_post", redirectUri: REDIRECT, parameters: { error: "invalid_scope", iss: site.urls.issuer } } });
});

describe("every parameter that comes twice is refused", () => {
  const told = parameterNames.filter((name) => !["client_id", "redirect_uri"].includes(name));
  test.each(told)("%s", async (name) => {
    const all = { client_id: flow.client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256", [name]: "a" };
    const text = `${new URLSearchParams(all).toString()}&${name}=a`;
    const started = await startAuthorization(site.gate, anonymous, { text, keyring: site.keyring });
    expect(started.kind === "answer" ? started.response.parameters["error"] : started.kind).toBe("invalid_request");
  });
});

describe("prompt and max_age", () => {
  test("a sign-in that is young enough answers in silence, with the time it was made", async () => {
    const own = await startFlow(site);
    const signedInAt = Math.floor(site.gate.services.clock.now() / 1_000);
    await own.tokens();
    advance(100);
    expect((await idClaims({ prompt: "none", max_age: "100" }, own))["auth_time"]).toBe(signedInAt);
    expect(await errorOf({ prompt: "none", max_age: "99" }, own)).toBe("login_required");
    expect(await errorOf({ prompt: "none", max_age: "0" }, own)).toBe("login_required");
  });

  test("in silence a consent that is missing is an error, and so is a sign-in that is over", async () => {
    const own = await startFlow(site);
    expect(await errorOf({ prompt: "none" }, own)).toBe("consent_required");
    await own.tokens();
    expect(await errorOf({ prompt: "none" }, own)).toBeUndefined();
    expect(await errorOf({ prompt: "none", scope: "openid email" }, own)).toBe("consent_required");
    await endSession(site.gate, { kind: "user", userId: own.session.userId, sessionId: own.session.sessionId, isAdministrator: false, teamId: undefined }, undefined);
    expect(await errorOf({ prompt: "none" }, own)).toBe("login_required");
  });
});

describe("id_token_hint", () => {
  test("of the person who is signed in is answered in silence, however old it is", async () => {
    const tokens = await flow.tokens();
    advance(7_200);
    expect(await errorOf({ prompt: "none", id_token_hint: String(tokens["id_token"]) })).toBeUndefined();
  });

  test("of somebody else is answered with login_required, and of another client not at all", async () => {
    await addPerson(site.gate, { address: "eve@example.com" });
    const eve = await startFlow(site, { client: flow.client, address: "eve@example.com" });
    const hint = String((await eve.tokens())["id_token"]);
    expect(await errorOf({ prompt: "none", id_token_hint: hint })).toBe("login_required");
    const other = await startFlow(site);
    expect(await errorOf({ id_token_hint: String((await other.tokens())["id_token"]) })).toBe("invalid_request");
  });

  test("is an ID token and nothing else of ours", async () => {
    const { access_token } = await flow.tokens();
    expect(await errorOf({ id_token_hint: String(access_token) })).toBe("invalid_request");
  });
});

describe("claims", () => {
  test("asks for the person by name: that one, or nobody", async () => {
    const sub = (value: string) => JSON.stringify({ id_token: { sub: { value } } });
    expect((await idClaims({ claims: sub(flow.session.userId) })).sub).toBe(flow.session.userId);
    expect(await errorOf({ prompt: "none", claims: sub("somebody") })).toBe("login_required");
    expect(await errorOf({ claims: JSON.stringify({ id_token: { sub: { values: ["a", "b"] } } }) })).toBe("invalid_request");
  });

  test("puts a claim into the ID token that is otherwise told at userinfo only", async () => {
    const claims = await idClaims({ scope: "openid email", claims: '{"id_token":{"email":null}}' });
    expect(claims["email"]).toBe("ada@example.com");
  });
});
