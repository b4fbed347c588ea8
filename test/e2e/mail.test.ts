/** Mail out of the compiled executable: asked for at the door, sent to a real mail server with a login over TLS, used once. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testAuthority } from "../support/certificates.ts";
import type { Running } from "../support/executable.ts";
import { type MailServer, startMailServer } from "../support/smtp.ts";
import { type Administrator, administrator, call, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let mail: MailServer;
let site: Running;
let owner: Administrator;

beforeAll(async () => {
  workshop = await openWorkshop();
  const authority = testAuthority(workshop.folder);
  const { certFile, keyFile } = authority.sign("localhost");
  mail = await startMailServer({
    certificate: { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") },
    login: { user: "mailer", password: "swordfish" },
  });
  const passwordFile = join(workshop.folder, "smtp.password");
  writeFileSync(passwordFile, "swordfish\n", { mode: 0o600 });
  const license = await workshop.sign("mail", ["--template", "enterprise", "--days", "30"]);
  const server = ["--smtp-host", "localhost", "--smtp-port", String(mail.port), "--smtp-user", "mailer", "--smtp-password-file", passwordFile];
  site = await workshop.serve(license, { flags: [...server, "--smtp-from", "cyberun@example.com", "--extra-ca-file", authority.file] });
  owner = await setUp(workshop, site);
}, 60_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await mail[Symbol.asyncDispose]();
  workshop.close();
});

test("somebody without an account gets in by the mailed invitation", async () => {
  const invitation = { email_address: "grace@example.com", invitation_role: "member" };
  const answer = await call(site.urls.api, "/api/v1/invitations", { method: "POST", body: JSON.stringify(invitation), bearer: owner.token, teamId: owner.teamId });
  expect([answer.status, Object.keys(answer.body)]).toEqual([201, ["id"]]);
  const [letter] = await mail.received(1);
  expect(letter).toMatchObject({ to: ["grace@example.com"], isSecure: true });
  const [, invitation_token = ""] = /\/invitation\/([0-9A-Za-z]{43})/.exec(letter?.text ?? "") ?? [];
  const person = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };
  const joined = await call(site.urls.api, "/api/v1/invitations/sign-up", { method: "POST", body: JSON.stringify({ ...person, invitation_token }) });
  expect([joined.status, joined.body]).toMatchObject([201, { team_id: owner.teamId, role: "member" }]);
  const login = { email_address: "grace@example.com", user_password: person.user_password };
  expect((await call(site.urls.api, "/api/v1/auth/login", { method: "POST", body: JSON.stringify(login) })).status).toBe(200);
  expect(invitation_token).toHaveLength(43);
  expect(site.stderr()).not.toContain(invitation_token);
});

test("a lost password is mended by mail, and no link is in the log", async () => {
  const post = (path: string, body: object) => call(site.urls.api, path, { method: "POST", body: JSON.stringify(body) });
  expect((await post("/api/v1/auth/password-reset", { email_address: administrator.email_address })).status).toBe(202);
  const [, letter] = await mail.received(2);
  expect(letter).toMatchObject({ from: "cyberun@example.com", to: [administrator.email_address], isSecure: true, user: "mailer" });
  const [, base, reset_token] = /(http:\S+)\/reset-password\/([0-9A-Za-z]{43})/.exec(letter?.text ?? "") ?? [];
  expect(base).toBe(site.urls.issuer ?? "");
  const reset = { reset_token, new_password: "another good sentence" };
  expect((await post("/api/v1/auth/password-reset/complete", reset)).status).toBe(200);
  expect((await post("/api/v1/auth/password-reset/complete", reset)).status).toBe(410);
  const login = { email_address: administrator.email_address, user_password: reset.new_password };
  expect((await post("/api/v1/auth/login", login)).status).toBe(200);
  expect(reset_token).toHaveLength(43);
  expect(site.stderr()).not.toContain(reset_token ?? "");
});
