/** What the license shuts and what it never shuts, over HTTP in every state; and the doors to the license itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import { system } from "../../src/gate/caller.ts";
import { LICENSE_BYTES_MAX } from "../../src/license/document.ts";
import { type LicenseState, licenseRemedies, licenseStates } from "../../src/license/entitlements.ts";
import { auditRows } from "../support/gate.ts";
import { addPerson, ownerAddress, PASSWORD, signIn } from "../support/people.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { shutStates } from "../support/refusal.ts";
import { bearer, type CallOptions, type Credentials, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let who: Credentials;
beforeAll(async () => {
  site = await startRoles();
  who = await site.credentials();
});
afterAll(() => site.close());
beforeEach(() => {
  site.license({});
  site.licenseServer.refuses = undefined;
});

const states = Object.keys(licenseStates).filter((name): name is LicenseState => Object.hasOwn(licenseStates, name));

interface Gated {
  readonly path: string;
  readonly options: () => CallOptions;
  readonly status: number;
}

const gated: readonly Gated[] = [
  { path: "/api/v1/teams", options: () => ({ as: who.user, json: { display_name: "New" } }), status: 201 },
  { path: "/api/v1/credentials", options: () => ({ as: who.user, json: { kind: "agent", display_name: "New" } }), status: 201 },
  // Open, and still without a mail server.
  { path: "/api/v1/auth/password-reset", options: () => ({ json: { email_address: ownerAddress } }), status: 503 },
  { path: "/api/v1/users/me/email-verification", options: () => ({ as: who.user, method: "POST" }), status: 503 },
  { path: "/api/v1/auth/register", options: () => ({ json: { first_name: "A", last_name: "B", email_address: "new@example.com", user_password: "a good long sentence" } }), status: 202 },
  { path: "/api/v1/r/workflows", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/r/workflows", options: () => ({ as: who.integration }), status: 200 },
  { path: "/api/v1/r/workflows", options: () => ({ as: who.device }), status: 200 },
  { path: "/api/v1/oidc/clients", options: () => ({ as: who.user, json: { redirect_uris: ["https://app.example/cb"] } }), status: 201 },
  { path: "/api/v1/oidc/initial-access-tokens", options: () => ({ as: who.user, json: {} }), status: 201 },
];

const core: readonly Gated[] = [
  { path: "/api/v1/users/me", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me", options: () => ({ as: who.device }), status: 200 },
  { path: "/api/v1/teams", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/credentials", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/license", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/license", options: () => ({ as: who.user, method: "PUT", json: { license_file: "a.b.c" } }), status: 200 },
  { path: "/api/v1/license/test", options: () => ({ as: who.user, json: { license_file: "a.b.c" } }), status: 200 },
  { path: "/api/v1/deployment/system", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/oidc/signing-keys", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/license/reload", options: () => ({ as: who.user, method: "POST" }), status: 200 },
  { path: "/api/v1/auth/login", options: () => ({ json: { email_address: ownerAddress, user_password: PASSWORD } }), status: 200 },
  { path: "/api/v1/auth/refresh", options: () => ({ json: { refresh_token: "unknown" } }), status: 401 },
  { path: "/api/v1/credentials/00000000-0000-7000-8000-00000000000f", options: () => ({ as: who.user, method: "DELETE" }), status: 404 },
  { path: "/api/v1/users/me/password", options: () => ({ as: who.user, method: "PUT", json: { current_password: PASSWORD, new_password: "short" } }), status: 400 },
  { path: "/api/v1/users/me/second-factor", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me/second-factor", options: () => ({ as: who.user, json: { current_password: "" } }), status: 400 },
  { path: "/api/v1/users/me/second-factor/confirm", options: () => ({ as: who.user, json: { code: "123456" } }), status: 409 },
  { path: "/api/v1/users/me/second-factor/recovery-codes", options: () => ({ as: who.user, json: { current_password: "", code: "" } }), status: 400 },
  { path: "/api/v1/users/me/second-factor/remove", options: () => ({ as: who.user, json: { current_password: "", code: "" } }), status: 400 },
  { path: "/api/v1/users/0/second-factor", options: () => ({ as: who.user, method: "DELETE" }), status: 404 },
  { path: "/api/v1/auth/login/complete", options: () => ({ json: { step_token: "unknown", code: "123456" } }), status: 401 },
  { path: "/sign-in/passkey", options: () => ({ form: { step_token: "unknown", passkey: "{}" }, headers: { "sec-fetch-site": "same-origin" } }), status: 503 },
  { path: "/sign-in/code", options: () => ({ form: { step_token: "unknown", code: "123456" }, headers: { "sec-fetch-site": "same-origin" } }), status: 401 },
  { path: "/api/v1/auth/password-reset/complete", options: () => ({ json: { reset_token: "unknown", new_password: "a good long sentence" } }), status: 410 },
  { path: "/api/v1/password-resets", options: () => ({ as: who.user, json: { email_address: "nobody@example.com" } }), status: 404 },
  { path: "/api/v1/auth/verify-email", options: () => ({ json: { verification_token: "unknown", user_password: "a good long sentence" } }), status: 410 },
  { path: "/api/v1/users/me/sessions", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me/sessions/0", options: () => ({ as: who.user, method: "DELETE" }), status: 404 },
  { path: "/api/v1/users/me/passkeys", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me/passkeys", options: () => ({ as: who.user, json: { display_name: "x", credential: {} } }), status: 400 },
  { path: "/api/v1/users/me/passkeys/options", options: () => ({ as: who.user, json: {} }), status: 503 },
  { path: "/api/v1/users/me/passkeys/proof-options", options: () => ({ as: who.user, method: "POST" }), status: 503 },
  { path: "/api/v1/users/me/passkeys/0/remove", options: () => ({ as: who.user, json: { current_password: PASSWORD } }), status: 404 },
  { path: "/api/v1/users/me/consents", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me/consents/0", options: () => ({ as: who.user, method: "DELETE" }), status: 404 },
  { path: "/api/v1/oidc/clients", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/oidc/clients/0", options: () => ({ as: who.user }), status: 404 },
  { path: "/api/v1/oidc/clients/0", options: () => ({ as: who.user, method: "PATCH", json: { is_disabled: true } }), status: 404 },
  { path: "/api/v1/oidc/clients/0", options: () => ({ as: who.user, method: "DELETE" }), status: 404 },
  { path: "/api/v1/oidc/clients/0/secret", options: () => ({ as: who.user, json: {} }), status: 404 },
  { path: "/api/v1/audit", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/audit/export", options: () => ({ as: who.user }), status: 200 },
  { path: "/api/v1/users/me/sessions", options: () => ({ as: who.user }), status: 200 },
  { path: "/", options: () => ({ as: who.cookie }), status: 200 },
  { path: "/sign-in", options: () => ({}), status: 200 },
  { path: "/healthz", options: () => ({}), status: 200 },
  { path: "/readyz", options: () => ({}), status: 200 },
  { path: "/metrics", options: () => ({}), status: 200 },
];

describe.each(states)("in the license state %s", (state) => {
  test("gated doors are open or answer 503 with that state", async () => {
    site.license({ state });
    for (const { path, options, status } of gated) {
      const { open } = licenseStates[state];
      const answer = await site.call(path, options());
      expect([path, answer.status, answer.body["error_code"]]).toEqual([path, open ? status : 503, open ? (status === 503 ? "unavailable" : undefined) : state]);
      if (open) continue;
      expect(answer.body).toMatchObject({ error_message: expect.stringMatching(/^[A-Z].+\.$/), hint: licenseRemedies[state], details: { state, mended_by: state === "revoked" ? "vendor" : "operator" } });
    }
  });

  test("core doors are open", async () => {
    site.license({ state });
    for (const { path, options, status } of core) {
      const answer = await site.call(path, options());
      expect([path, answer.status]).toEqual([path, status]);
    }
  });

  test("the status tells it, with the next step", async () => {
    site.license({ state });
    for (const shown of [who.user, who.device]) {
      const { body } = await site.call("/api/v1/license", { as: shown });
      expect(body).toMatchObject({ state, is_open: licenseStates[state].open, reason: expect.any(String), next_step: licenseRemedies[state] });
    }
  });
});

test("sign-out works without a license", async () => {
  for (const state of shutStates) {
    site.license({ state });
    const as = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate)));
    expect((await site.call("/api/v1/auth/logout", { method: "POST", as })).status).toBe(204);
  }
});

test("a feature that is off is 403 with its name, its namespace and who can mend it", async () => {
  site.license({ features: { account: { manual_team_creation: false } } });
  const { status, body } = await site.call("/api/v1/teams", { as: who.user, json: { display_name: "New" } });
  expect([status, body["error_code"]]).toEqual([403, "feature_disabled"]);
  expect(body).toMatchObject({ error_message: expect.stringContaining("manual_team_creation"), hint: expect.any(String), details: { feature: "manual_team_creation", namespace: "account", mended_by: "vendor" } });
});

test("a quota that is used up is 403 with its name and limit, and nothing is made", async () => {
  site.license({ quotas: { team: { max_integration_keys: 0 } } });
  const { status, body } = await site.call("/api/v1/credentials", { as: who.user, json: { kind: "integration", display_name: "New" } });
  expect([status, body["error_code"], body["details"]]).toEqual([403, "quota_exceeded", { quota: "max_integration_keys", namespace: "team", limit: 0, mended_by: "vendor" }]);
});

test("the first administrator is made whatever the license says", async () => {
  await using fresh = await startRoles({ isNew: true, state: "missing" });
  const link = await createSetupLink(fresh.gate, system, undefined);
  const form = { deployment_name: "Site", team_name: "Team", first_name: "Ada", last_name: "Lovelace", email_address: ownerAddress, user_password: PASSWORD };
  expect((await fresh.call(new URL(link.setup_url).pathname, { form, headers: { "sec-fetch-site": "same-origin" } })).status).toBe(303);
});

describe("PUT /license", () => {
  const put = (json: unknown, as = who.user) => site.call("/api/v1/license", { method: "PUT", json, as });

  test("hands the file over byte for byte and is audited without it", async () => {
    const file = "eyJhbGciOiJFZERTQSJ9.payload.signature\n";
    expect((await put({ license_file: file })).body).toEqual({ is_success: true });
    expect(site.licenseServer.files.at(-1)).toBe(file);
    const row = (await auditRows(site.world.store)).at(-1);
    expect(row).toMatchObject({ operation: "license.upload", outcome: "done", subject: "license" });
    expect(JSON.stringify(row)).not.toContain("payload");
  });

  test("tells why the License Server refused, and shows nothing of the file", async () => {
    site.licenseServer.refuses = new Fault("invalid_license", "The file is signed by an unknown key.", { hint: "Ask your vendor." });
    const answer = await put({ license_file: "eyJ.private-part.sig" });
    expect([answer.status, answer.body]).toEqual([400, { error_message: "The file is signed by an unknown key.", error_code: "invalid_license", hint: "Ask your vendor." }]);
  });

  test("is a clear 503 when no License Server answers", async () => {
    site.licenseServer.refuses = new Fault("unavailable", "No License Server answers.");
    expect((await put({ license_file: "a" })).status).toBe(503);
  });

  test.each([["nothing", {}], ["an empty file", { license_file: "" }], ["a number", { license_file: 1 }], ["a file that is too large", { license_file: "x".repeat(LICENSE_BYTES_MAX + 1) }], ["another field", { license_file: "a", force: true }]])(
    "refuses %s",
    async (_name, json) => {
      const count = site.licenseServer.files.length;
      expect((await put(json)).status).toBe(400);
      expect(site.licenseServer.files.length).toBe(count);
    },
  );

  test("counts bytes, not characters", async () => {
    const count = site.licenseServer.files.length;
    expect((await put({ license_file: "€".repeat(LICENSE_BYTES_MAX / 2) })).status).toBe(413);
    expect(site.licenseServer.files.length).toBe(count);
  });

  test("is for administrators of the deployment, whatever their role in a team", async () => {
    const address = "owner-of-a-team@example.com";
    await addPerson(site.gate, { address, teamId: site.people.teamId, role: "admin" });
    const as = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
    const reloads = site.licenseServer.reloads;
    expect((await put({ license_file: "a" }, as)).status).toBe(403);
    expect((await site.call("/api/v1/license/reload", { method: "POST", as })).status).toBe(403);
    expect(site.licenseServer.reloads).toBe(reloads);
  });
});

test("POST /license/reload asks the License Server once", async () => {
  const reloads = site.licenseServer.reloads;
  expect((await site.call("/api/v1/license/reload", { method: "POST", as: who.user })).body).toEqual({ is_success: true });
  expect(site.licenseServer.reloads).toBe(reloads + 1);
});

describe("POST /license/test", () => {
  const license = { license_id: "lic-2", deployment_id: "site", template: "edge", sequence: 2, not_before: 1_767_225_600, expires_at: 1_798_761_600 };

  test("says what the License Server says, with times as the API writes them, and hands nothing in", async () => {
    const files = site.licenseServer.files.length;
    site.licenseServer.tested = { outcome: "accepted", refusal: null, message: "", state: "ok", license, differences: [{ key: "expires_at", from: 1_767_225_600, to: 1_798_761_600 }, { key: "quotas.team.max_agents", from: 1, to: 5 }], warnings: ["It shrinks."] };
    const { status, body } = await site.call("/api/v1/license/test", { as: who.user, json: { license_file: "abc" } });
    expect([status, body]).toEqual([
      200,
      {
        outcome: "accepted",
        refusal: null,
        message: "It has 3 bytes.",
        state: "ok",
        license: { ...license, not_before: "2026-01-01T00:00:00.000Z", expires_at: "2027-01-01T00:00:00.000Z" },
        differences: [{ key: "expires_at", from: "2026-01-01T00:00:00.000Z", to: "2027-01-01T00:00:00.000Z" }, { key: "quotas.team.max_agents", from: 1, to: 5 }],
        warnings: ["It shrinks."],
      },
    ]);
    expect(site.licenseServer.files.length).toBe(files);
  });

  test("is for administrators, bounded, and a clear 503 when no License Server answers", async () => {
    await addPerson(site.gate, { address: "tester@example.com", teamId: site.people.teamId });
    const person = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, "tester@example.com")));
    expect((await site.call("/api/v1/license/test", { as: person, json: { license_file: "abc" } })).status).toBe(403);
    expect((await site.call("/api/v1/license/test", { as: who.user, json: { license_file: "a".repeat(LICENSE_BYTES_MAX + 1) } })).status).toBe(400);
    site.licenseServer.refuses = new Fault("unavailable", "No License Server answers.");
    expect((await site.call("/api/v1/license/test", { as: who.user, json: { license_file: "abc" } })).status).toBe(503);
  });
});
