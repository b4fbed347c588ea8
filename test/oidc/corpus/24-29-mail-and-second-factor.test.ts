/** Advisories 24 to 29: what a stranger's headers say reaches nothing, guesses are counted, and half a sign-in opens nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import type { UserCaller } from "../../../src/gate/caller.ts";
import { system } from "../../../src/gate/caller.ts";
import { createSetupLink } from "../../../src/identity/setup-links.ts";
import { openBrowser } from "../../support/browser.ts";
import { createClientKey, signProof } from "../../support/client-assertion.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { type KeptMail, keptMail } from "../../support/mail.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, addFirstParty, addService, type TestClient } from "../../support/oidc-client.ts";
import { eventually } from "../../support/eventually.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";
import { type Enrolled, enrol } from "../../support/second-factor.ts";

let site: TestRoles;
let mail: KeptMail;
let client: TestClient;

beforeAll(async () => {
  site = await startRoles({ settings: { hasMailServer: true, publicUrl: "https://console.example.com" } });
  mail = keptMail(site.gate);
  client = await addClient(site.gate);
  await addFirstParty(site.gate, "own-app");
});
afterAll(() => site.close());
beforeEach(() => site.world.services.clock.advance(86_400_001));

const evil = "evil.example";
const headers: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["Host", { host: evil }],
  ["Host with a port", { host: `${evil}:443` }],
  ["X-Forwarded-Host", { "x-forwarded-host": evil }],
  ["X-Forwarded-Host and -Proto", { "x-forwarded-host": evil, "x-forwarded-proto": "https", "x-forwarded-port": "444" }],
  ["Forwarded", { forwarded: `host=${evil};proto=https;for=1.2.3.4` }],
  ["X-Original-URL", { "x-original-url": `https://${evil}/`, "x-rewrite-url": `https://${evil}/` }],
  ["X-Host", { "x-host": evil, "x-http-host-override": evil, "x-forwarded-server": evil }],
  ["Origin and Referer", { origin: `https://${evil}`, referer: `https://${evil}/` }],
];
const query = () => new URLSearchParams({ client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" }).toString();

describe("advisory 24: a hostile host reaches nothing, neither mail nor answer nor token, in", () => {
  test.each(headers)("%s: the mail of a reset", async (_name, hostile) => {
    expect((await site.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress }, headers: hostile })).status).toBe(202);
    await mail.deliver();
    expect([mail.linkTo(ownerAddress).startsWith(`${site.urls.issuer}/reset-password/`), mail.letters.at(-1)?.text.includes(evil)]).toEqual([true, false]);
  });

  test.each(headers)("%s: discovery, keys and pages", async (_name, hostile) => {
    for (const path of ["/.well-known/openid-configuration", "/.well-known/jwks.json", `/oauth/authorize?${query()}`, "/oauth/logout", "/nothing", "/oauth/nothing"]) {
      const answer = await callUrl(`${site.urls.issuer}${path}`, { headers: hostile });
      expect([path, answer.text.includes(evil), JSON.stringify([...answer.headers]).includes(evil)]).toEqual([path, false, false]);
    }
  });

  test.each(headers)("%s: a token's issuer and audience", async (_name, hostile) => {
    const service = await addService(site.gate);
    const { body } = await post(site, "token", { form: { grant_type: "client_credentials" }, headers: { ...basic(service), ...hostile } });
    expect(decodeJwt(String(body["access_token"]))).toMatchObject({ iss: site.urls.issuer, aud: site.urls.issuer });
  });

  test("a proof that is made for the hostile host is none", async () => {
    const service = await addService(site.gate);
    const dpop = signProof(createClientKey(), { url: `https://${evil}/oauth/token`, now: Math.floor(site.gate.services.clock.now() / 1_000) });
    expect(outcome(await post(site, "token", { form: { grant_type: "client_credentials" }, headers: { ...basic(service), host: evil, dpop } }))).toEqual([400, "invalid_dpop_proof"]);
  });

  test("the link of the first set-up follows the configuration alone", async () => {
    await using fresh = await startRoles({ isNew: true, settings: { publicUrl: "https://console.example.com" } });
    expect((await createSetupLink(fresh.gate, system, undefined)).setup_url).toStartWith("https://console.example.com/setup/");
  });
});

interface Guarded extends Enrolled {
  readonly person: UserCaller;
  readonly address: string;
}

async function guarded(): Promise<Guarded> {
  const person = await addPerson(site.gate);
  return { person, address: `${person.userId}@example.com`, ...(await enrol(site.gate, person)) };
}

const stepAtApi = async (email_address: string) => {
  const { body } = await site.call("/api/v1/auth/login", { json: { email_address, user_password: PASSWORD } });
  const details = body["details"];
  return typeof details === "object" && details !== null && "step_token" in details ? String(details.step_token) : "";
};
const completeAtApi = async (step_token: string, code: string) => (await site.call("/api/v1/auth/login/complete", { json: { step_token, code } })).status;

describe("advisory 25: ten wrong codes shut the authenticator for", () => {
  const lock = async ({ address, app }: Guarded) => {
    for (let guess = 0; guess < 10; guess += 1) await completeAtApi(await stepAtApi(address), app.wrong());
  };

  test("the API", async () => {
    const one = await guarded();
    await lock(one);
    expect(await completeAtApi(await stepAtApi(one.address), one.app.code())).not.toBe(200);
  });

  test("the issuer's page", async () => {
    const one = await guarded();
    await lock(one);
    const browser = openBrowser(site.urls.issuer);
    await browser.open(`${site.urls.issuer}/oauth/authorize?${query()}`);
    await browser.submit("sign-in", { email_address: one.address, user_password: PASSWORD });
    await browser.submit("second-factor", { code: one.app.code() });
    expect([browser.cookies.has("cyberun-issuer"), browser.page.location]).toEqual([false, undefined]);
  });

  test("the dashboard's page", async () => {
    const one = await guarded();
    await lock(one);
    const own = { "sec-fetch-site": "same-origin" };
    const answer = await site.call("/sign-in/code", { form: { step_token: await stepAtApi(one.address), code: one.app.code() }, headers: own });
    expect([answer.status >= 400, answer.headers.get("set-cookie")]).toEqual([true, null]);
  });

  test("guesses that are spread over all doors count together", async () => {
    const one = await guarded();
    for (let guess = 0; guess < 5; guess += 1) {
      await completeAtApi(await stepAtApi(one.address), one.app.wrong());
      const browser = openBrowser(site.urls.issuer);
      await browser.open(`${site.urls.issuer}/oauth/authorize?${query()}`);
      await browser.submit("sign-in", { email_address: one.address, user_password: PASSWORD });
      await browser.submit("second-factor", { code: one.app.wrong() });
    }
    expect(await completeAtApi(await stepAtApi(one.address), one.app.code())).not.toBe(200);
  });
});

const SIDE_BY_SIDE = 100;

describe("advisory 26: a hundred wrong passwords side by side count a hundred", () => {
  const buckets = async () => await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.signInBuckets));
  const failures = async () => (await buckets()).map((row) => row.failures);

  test("at the API", async () => {
    const { userId } = await addPerson(site.gate);
    const guess = () => site.call("/api/v1/auth/login", { json: { email_address: `${userId}@example.com`, user_password: "a wrong password" } });
    const statuses = (await Promise.all(Array.from({ length: SIDE_BY_SIDE }, guess))).map(({ status }) => status);
    expect([statuses.filter((status) => status === 401).length, (await failures()).includes(SIDE_BY_SIDE)]).toEqual([5, true]);
  });

  test("through every door at once, with the right one among them learning nothing", async () => {
    const { userId } = await addPerson(site.gate);
    const email_address = `${userId}@example.com`;
    const browser = openBrowser(site.urls.issuer);
    const { url } = await browser.open(`${site.urls.issuer}/oauth/authorize?${query()}`);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const doors = [
      (user_password: string) => site.call("/api/v1/auth/login", { json: { email_address, user_password } }),
      (user_password: string) => site.call("/sign-in", { form: { email_address, user_password }, headers: { "sec-fetch-site": "same-origin" } }),
      (user_password: string) => callUrl(`${url}/sign-in`, { form: { email_address, user_password }, headers: { cookie, "sec-fetch-site": "same-origin" } }),
    ];
    const others = (await buckets()).map(({ key }) => key);
    const wrong = Array.from({ length: 30 }, async (_each, index) => (await doors[index % doors.length]?.("a wrong password"))?.status);
    // Of those that are judged before five have counted one may be the owner's, who got it right.
    await eventually(async () => (await buckets()).some(({ key, failures: count }) => !others.includes(key) && count > 5));
    const right = doors[0]?.(PASSWORD);
    const statuses = await Promise.all(wrong);
    expect([statuses.filter((status) => status === 401).length <= 5, (await right)?.status]).toEqual([true, 429]);
  });
});

describe("advisory 27: one address in many spellings has one count:", () => {
  const spellings: readonly (readonly [string, (name: string) => string])[] = [
    ["capitals", (name) => name.toUpperCase()],
    ["a capital host", (name) => name.replace("example.com", "EXAMPLE.com")],
    ["spaces around", (name) => `  ${name} `],
    ["wide letters", (name) => name.replace(/^./, (sign) => String.fromCodePoint((sign.codePointAt(0) ?? 0) + 0xfee0))],
    ["a wide at sign", (name) => name.replace("@", "\uff20")],
  ];
  test.each(spellings)("%s", async (_name, spell) => {
    const name = `a${(await addPerson(site.gate)).userId}`.slice(0, 20);
    const address = `${name}@example.com`;
    await addPerson(site.gate, { address });
    for (let guess = 0; guess < 5; guess += 1) await site.call("/api/v1/auth/login", { json: { email_address: spell(address), user_password: "a wrong password" } });
    expect((await site.call("/api/v1/auth/login", { json: { email_address: address, user_password: PASSWORD } })).status).toBe(429);
  });
});

describe("advisory 28: who has shown the password and not the second factor is nobody", () => {
  let one: Guarded;
  let step: string;
  beforeEach(async () => {
    one = await guarded();
    step = await stepAtApi(one.address);
  });

  const asBearer = () => bearer(step);
  const doors: readonly (readonly [string, () => Promise<{ readonly status: number }>])[] = [
    ["at the API", () => site.call("/api/v1/users/me", { as: asBearer() })],
    ["as a dashboard's cookie", () => site.call("/api/v1/users/me", { headers: { cookie: `cyberun=${step}`, "sec-fetch-site": "same-origin" } })],
    ["at the session's refresh", () => site.call("/api/v1/auth/refresh", { json: { refresh_token: step } })],
    ["at userinfo", () => callUrl(`${site.urls.issuer}/oauth/userinfo`, { headers: asBearer() })],
    ["at the key management", () => site.call("/api/v1/credentials", { as: asBearer(), json: { kind: "integration", display_name: "x" } })],
    ["at the second factor's own doors", () => site.call("/api/v1/users/me/second-factor", { as: asBearer() })],
    ["at a password's reset", () => site.call("/api/v1/auth/password-reset/complete", { json: { reset_token: step, new_password: "another good sentence" } })],
    ["at the proof of an address", () => site.call("/api/v1/auth/verify-email", { json: { verification_token: step, user_password: PASSWORD } })],
  ];
  test.each(doors)("%s", async (_name, ask) => {
    expect([401, 410]).toContain((await ask()).status);
  });

  test("at the issuer, in the browser that is half-way, also for a client of the platform's own", async () => {
    const browser = openBrowser(site.urls.issuer);
    await browser.open(`${site.urls.issuer}/oauth/authorize?${query().replace(client.id, "own-app")}`);
    await browser.submit("sign-in", { email_address: one.address, user_password: PASSWORD });
    expect([browser.cookies.has("cyberun-issuer"), browser.page.location]).toEqual([false, undefined]);
    const silent = await browser.open(`${site.urls.issuer}/oauth/authorize?${query().replace(client.id, "own-app")}&prompt=none`);
    expect(silent.location?.searchParams.get("error")).toBe("login_required");
  });
});

describe("advisory 29: a mailed token is for one use, one purpose and one person:", () => {
  const mailed = async () => {
    await site.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress } });
    await mail.deliver();
    return mail.tokenTo(ownerAddress);
  };
  const foreign: readonly (readonly [string, (token: string) => Promise<{ readonly status: number }>])[] = [
    ["a reset does not prove an address", (verification_token) => site.call("/api/v1/auth/verify-email", { json: { verification_token, user_password: PASSWORD } })],
    ["a reset is no step of a sign-in", (step_token) => site.call("/api/v1/auth/login/complete", { json: { step_token, code: "000000" } })],
    ["a reset is no set-up", (token) => site.call(`/setup/${token}`)],
    ["a reset is no session", (token) => site.call("/api/v1/users/me", { as: bearer(token) })],
    ["a reset confirms no authenticator", (token) => site.call("/api/v1/users/me/second-factor/confirm", { as: bearer(token), json: { code: "000000" } })],
  ];
  test.each(foreign)("%s", async (_name, use) => {
    const token = await mailed();
    expect([401, 410]).toContain((await use(token)).status);
    expect((await site.call(`/reset-password/${token}`, { role: "issuer" })).status).toBe(200);
  });

  test("used twice it is gone", async () => {
    const reset_token = await mailed();
    const use = async () => (await site.call("/api/v1/auth/password-reset/complete", { json: { reset_token, new_password: PASSWORD } })).status;
    expect([await use(), await use()]).toEqual([200, 410]);
  });

  test("after its hour it is gone", async () => {
    const reset_token = await mailed();
    site.world.services.clock.advance(3_600_001);
    expect((await site.call("/api/v1/auth/password-reset/complete", { json: { reset_token, new_password: PASSWORD } })).status).toBe(410);
  });
});
