/** Pushed requests: authenticated, checked as any, and their reference good once for the client that pushed it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openBrowser } from "../../support/browser.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { storeText } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, type TestClient } from "../../support/oidc-client.ts";
import { type Answer, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let client: TestClient;
beforeAll(async () => {
  site = await startRoles();
  client = await addClient(site.gate, { scope: "openid email" });
});
afterAll(() => site.close());

type Parameters = Readonly<Record<string, string>>;

async function push(changes: Parameters = {}, headers: Parameters = basic(client)): Promise<Answer> {
  const form = { client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256", state: "s-1", ...changes };
  return await post(site, "pushed_authorization_request", { form, headers });
}

const open = async (parameters: Parameters) => await openBrowser(site.urls.issuer).open(`${site.urls.issuer}/oauth/authorize?${new URLSearchParams(parameters).toString()}`);

describe("a pushed request", () => {
  test("is answered with a reference whose handle is stored as a digest alone", async () => {
    const { status, body, headers } = await push();
    const reference = String(body["request_uri"]);
    expect([status, body["expires_in"], headers.get("cache-control")]).toEqual([201, 90, "no-store"]);
    expect((await storeText(site.gate.store)).includes(reference.slice(-43))).toBe(false);
  });

  const refusals: readonly (readonly [string, string, Parameters])[] = [
    ["another redirect_uri", "invalid_request", { redirect_uri: "https://evil.example/cb" }],
    ["no PKCE", "invalid_request", { code_challenge: "", code_challenge_method: "" }],
    ["an implicit response_type", "unsupported_response_type", { response_type: "token" }],
    ["a reference in it", "request_uri_not_supported", { request_uri: "urn:ietf:params:oauth:request_uri:x" }],
    ["a request object", "request_not_supported", { request: "x.y.z" }],
    ["another client's id", "invalid_client", { client_id: "somebody" }],
    ["no scope", "invalid_scope", { scope: "" }],
  ];
  test.each(refusals)("with %s is refused", async (_name, error, changes) => {
    const answer = await push(changes);
    expect([answer.body["error"], answer.body["request_uri"]]).toEqual([error, undefined]);
  });

  test("of a client that does not authenticate is refused", async () => {
    expect(outcome(await push({}, {}))).toEqual([401, "invalid_client"]);
    expect(outcome(await push({}, basic({ ...client, secret: "wrong" })))).toEqual([401, "invalid_client"]);
  });

  test("is refused while the license does not let the client be used", async () => {
    site.license({ features: { global: { oidc_provider: false } } });
    expect((await push()).status).toBe(403);
    site.license({});
  });
});

describe("the reference", () => {
  test("stands for all that was pushed, whatever the browser says beside", async () => {
    const reference = String((await push({ ui_locales: "de" })).body["request_uri"]);
    const { text } = await open({ client_id: client.id, request_uri: reference, ui_locales: "en", scope: "openid email", redirect_uri: "https://evil.example" });
    expect([text.includes('lang="de"'), text.includes("evil.example")]).toEqual([true, false]);
  });

  test("is good once", async () => {
    const reference = String((await push()).body["request_uri"]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => open({ client_id: client.id, request_uri: reference })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
  });

  test("is no other client's, and ends", async () => {
    const other = await addClient(site.gate);
    const reference = String((await push()).body["request_uri"]);
    expect((await open({ client_id: other.id, request_uri: reference })).status).toBe(400);
    site.world.services.clock.advance(90_000);
    expect((await open({ client_id: client.id, request_uri: reference })).status).toBe(400);
  });
});
