/** Advisories 14 to 17: an answer goes to a registered address or nowhere, and a request says each thing once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parameterNames } from "../../../src/oidc/authorization/parameters.ts";
import { type Endpoint, endpoints } from "../../../src/oidc/endpoints.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { basic } from "../../support/oauth.ts";
import { addClient, addService, type TestClient } from "../../support/oidc-client.ts";
import { type Answer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let client: TestClient;
let native: TestClient;
let service: TestClient;

beforeAll(async () => {
  site = await startRoles();
  client = await addClient(site.gate, { redirect_uris: [REDIRECT, "https://app.example/cb?tenant=1"] });
  native = await addClient(site.gate, { token_endpoint_auth_method: "none", redirect_uris: ["http://127.0.0.1/cb", "http://[::1]:4000/cb", "http://localhost:3000/cb", "com.example.app:/cb"] });
  service = await addService(site.gate);
});
afterAll(() => site.close());

const base = { response_type: "code", scope: "openid", state: "s", code_challenge: CHALLENGE, code_challenge_method: "S256" };
const authorize = async (parameters: Readonly<Record<string, string>>, more = "") =>
  await callUrl(`${site.urls.issuer}/oauth/authorize?${new URLSearchParams({ ...base, ...parameters }).toString()}${more}`);

/** Refused where the person is, on a page, with nothing that leads away. */
function expectPage({ status, headers, text }: Answer, uri: string): void {
  expect([status, headers.get("location"), headers.get("refresh"), text.includes(`href="${uri}"`)]).toEqual([400, null, null, false]);
}

/** Each is an address that some reader somewhere takes for https://app.example/cb, or that leads out of it. */
const hostile: readonly string[] = [
  "https://app.example@evil.example/cb",
  "https://app.example:443@evil.example/cb",
  "https://user@app.example/cb",
  "https://user:pass@app.example/cb",
  "https://@app.example/cb",
  "https://evil.example\\@app.example/cb",
  "https://app.example\\.evil.example/cb",
  "https://app.example%40evil.example/cb",
  "https://app.example%2eevil.example/cb",
  "https://app.example%2fcb",
  "https://app.example%5ccb",
  "https:\\\\app.example\\cb",
  "https:/app.example/cb",
  "https:app.example/cb",
  "//app.example/cb",
  "///app.example/cb",
  "/cb",
  "cb",
  "https://app.example/cb/",
  "https://app.example//cb",
  "https://app.example/./cb",
  "https://app.example/a/../cb",
  "https://app.example/cb/..",
  "https://app.example/cb/../../evil",
  "https://app.example/%2e%2e/cb",
  "https://app.example/cb%2f..%2fevil",
  "https://app.example/cb%00",
  "https://app.example/cb%0d%0aset-cookie:a=b",
  "https://app.example/cb;jsessionid=1",
  "https://app.example/CB",
  "https://APP.example/cb",
  "HTTPS://app.example/cb",
  "https://app.example./cb",
  "https://app.example:443/cb",
  "https://app.example:8443/cb",
  "https://app.example:80/cb",
  "https://app.example:/cb",
  "http://app.example/cb",
  "https://app.example/cb#",
  "https://app.example/cb#evil",
  "https://app.example/cb?",
  "https://app.example/cb?x=1",
  "https://app.example/cb?tenant=2",
  "https://app.example/cb?tenant=1&tenant=2",
  "https://app.example/cb?tenant=1#",
  "https://app.example/c%62",
  "https://app.example/cb%20",
  "https://app.example/cb+",
  "https://sub.app.example/cb",
  "https://app.example.evil.example/cb",
  "https://evil-app.example/cb",
  "https://app.exampl/cb",
  "https://app-example/cb",
  "https://аpp.example/cb",
  "https://app。example/cb",
  "https://app.example\u200b/cb",
  "https://app.example/cb\u00a0",
  "https://ａpp.example/cb",
  "https://[::ffff:127.0.0.1]/cb",
  "https://127.0.0.1/cb",
  "https://0/cb",
  "https://evil.example/?https://app.example/cb",
  "https://evil.example/#https://app.example/cb",
];

describe("advisory 14: a request is not answered to", () => {
  test.each(hostile)("%j", async (uri) => {
    expectPage(await authorize({ client_id: client.id, redirect_uri: uri }), uri);
  });
});

describe("advisory 15: an address is compared sign by sign;", () => {
  test.each(["http://127.0.0.1:1/cb", "http://127.0.0.1:51234/cb", "http://127.0.0.1:65535/cb", "http://[::1]:9/cb", "http://localhost:3000/cb", "com.example.app:/cb"])("the port of a loopback address is the one freedom: %s", async (uri) => {
    const { status, headers } = await authorize({ client_id: native.id, redirect_uri: uri });
    expect([status, headers.get("location")?.startsWith("/interaction/")]).toEqual([303, true]);
  });

  test.each([
    "http://127.0.0.1:51234/cb/",
    "http://127.0.0.1:51234/",
    "http://127.0.0.1:51234/cb?x=1",
    "http://127.0.0.1:51234/cb%2f",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:051/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://0.0.0.0/cb",
    "http://localhost/cb",
    "http://localhost:51234/cb",
    "http://[0:0:0:0:0:0:0:1]:4000/cb",
    "http://[::1%25lo]:4000/cb",
    "https://127.0.0.1:51234/cb",
    "com.example.app:/cb/",
    "com.example.app://cb",
    "com.example.application:/cb",
    "http://*/cb",
    "*",
  ])("and %j is another one", async (uri) => {
    expectPage(await authorize({ client_id: native.id, redirect_uri: uri }), uri);
  });
});

const schemes = ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox", "file:///etc/passwd", "blob:https://app.example/1", "about:blank", "view-source:https://app.example/cb", "intent://app.example#Intent;end"];

describe("advisory 16: with prompt=none too, nothing goes to", () => {
  test.each([...schemes, "https://evil.example/cb"])("%j", async (uri) => {
    for (const changes of [{ prompt: "none" }, { prompt: "none", response_type: "token" }, { prompt: "none login" }, { prompt: "none", response_mode: "form_post" }]) {
      expectPage(await authorize({ client_id: client.id, redirect_uri: uri, ...changes }), uri);
    }
  });
});

describe("advisory 16: no client is registered with", () => {
  test.each(schemes)("%j as an address", async (uri) => {
    for (const member of ["redirect_uris", "post_logout_redirect_uris"]) await expect(addClient(site.gate, { token_endpoint_auth_method: "none", [member]: [uri] })).rejects.toThrow(member);
  });
});

const formAt = async (endpoint: Endpoint, body: string) => {
  const headers = { "content-type": "application/x-www-form-urlencoded", ...basic(endpoint === "token" ? service : client) };
  const response = await fetch(`${site.urls.issuer}${endpoints[endpoint]}`, { method: "POST", body, headers });
  const told: unknown = await response.json();
  return { status: response.status, error: typeof told === "object" && told !== null && "error" in told ? told.error : undefined };
};

describe("advisory 17: a parameter that comes twice is refused:", () => {
  const leading: readonly string[] = ["client_id", "redirect_uri"];
  test.each(parameterNames.filter((name) => !leading.includes(name)))("%s at the authorization endpoint, and the client is told", async (name) => {
    const { headers } = await authorize({ client_id: client.id, redirect_uri: REDIRECT, [name]: Object.entries(base).find(([each]) => each === name)?.[1] ?? "x" }, `&${name}=y`);
    const location = new URL(headers.get("location") ?? "https://nowhere.example");
    expect([location.origin, location.searchParams.get("error"), location.searchParams.has("code")]).toEqual(["https://app.example", "invalid_request", false]);
  });

  test.each(leading)("%s at the authorization endpoint, on a page", async (name) => {
    expectPage(await authorize({ client_id: client.id, redirect_uri: REDIRECT }, `&${name}=${encodeURIComponent(name === "client_id" ? native.id : "https://evil.example/cb")}`), "https://evil.example/cb");
    expectPage(await authorize({ client_id: client.id, redirect_uri: REDIRECT }, `&${name}=${encodeURIComponent(name === "client_id" ? client.id : REDIRECT)}`), REDIRECT);
  });

  const repeated: readonly (readonly [Endpoint, string])[] = [
    ["token", "grant_type=client_credentials&grant_type=client_credentials"],
    ["token", "grant_type=client_credentials&scope=read&scope=read"],
    ["token", "grant_type=client_credentials&client_id=a&client_id=b"],
    ["token", "grant_type=client_credentials&unknown=a&unknown=b"],
    ["token", "grant_type=client_credentials&scope=&scope=read"],
    ["token", "grant_type=client_credentials&scope=read&%73cope=write"],
    ["introspection", "token=a&token=b"],
    ["introspection", "token=a&token_type_hint=b&token_type_hint=c"],
    ["revocation", "token=a&token=b"],
    ["pushed_authorization_request", "response_type=code&response_type=token"],
    ["pushed_authorization_request", "scope=openid&scope=openid"],
    ["pushed_authorization_request", "redirect_uri=a&redirect_uri=b"],
  ];
  test.each(repeated)("at the endpoint %s: %s", async (endpoint, body) => {
    const answer = await formAt(endpoint, body);
    expect([answer.status, answer.error]).toEqual([400, "invalid_request"]);
  });

  test.each(["id_token_hint", "client_id", "post_logout_redirect_uri", "state"])("%s at the logout endpoint", async (name) => {
    const { status, headers } = await callUrl(`${site.urls.issuer}/oauth/logout?${name}=a&${name}=b`);
    expect([status, headers.get("location")]).toEqual([400, null]);
  });
});
