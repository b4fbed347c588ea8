/**
 * A deployment administered from the command line alone, by the compiled executable: the operator makes an account on the
 * host, its person chooses a password by the link, makes a team, pairs a machine, invites, and makes a key; the audit log
 * has all of it and the server's log no secret.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run as runExecutable, type Running } from "../support/executable.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { call, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

const PASSWORD = "planted-Pa55word of Grace";
const GRACE = "grace@example.com";

let workshop: Workshop;
let site: Running;
let home: Folder;

beforeAll(async () => {
  workshop = await openWorkshop();
  site = await workshop.serve(await workshop.sign("cli", ["--template", "enterprise", "--days", "30", "--feature", "account.manual_team_creation=on"]));
  home = temporaryFolder();
  writeFileSync(join(home.path, "password"), `${PASSWORD}\n`, { mode: 0o600 });
  await setUp(workshop, site);
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  home[Symbol.dispose]();
  workshop.close();
});

const environment = () => ({ XDG_CONFIG_HOME: home.path, CYBERUN_API_URL: site.urls.api ?? "" });

/** A command line to its end: the exit code and what it printed, as JSON where there is any. */
async function cyberun(...words: readonly string[]) {
  const { exitCode, stdout, stderr } = await runExecutable([...words, "--json"], { executable: workshop.cyberun, dataDir: site.dataDir, env: environment() });
  return { exit: exitCode, stdout, stderr, body: stdout === "" ? {} : JSON.parse(stdout), error: stderr.startsWith("{") ? JSON.parse(stderr).error : {} };
}

const signedIn = () => ["--email", GRACE, "--password-file", join(home.path, "password")];

/** Pairs the machine: the code that it shows is confirmed as Grace in the team. */
async function login(teamId: string): Promise<number> {
  const child = Bun.spawn([workshop.cyberun, "login", "--json"], { env: { PATH: process.env["PATH"] ?? "", HOME: home.path, ...environment() }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const decoder = new TextDecoder();
  for await (const part of child.stderr) {
    said += decoder.decode(part, { stream: true });
    if (said.includes("\n")) break;
  }
  const { user_code } = JSON.parse(said.split("\n")[0] ?? "");
  const { body } = await call(site.urls.api, "/api/v1/auth/login", { method: "POST", body: JSON.stringify({ email_address: GRACE, user_password: PASSWORD }) });
  const confirmed = await call(site.urls.api, "/api/v1/desktop/pair/confirm", { method: "POST", bearer: String(body["access_token"]), teamId, body: JSON.stringify({ user_code, device_name: "Laptop" }) });
  expect(confirmed.status).toBe(204);
  return await child.exited;
}

test("from a new account to a team with a key, and every step is in the audit log", async () => {
  const made = await cyberun("users", "create", "--email", GRACE, "--first-name", "Grace", "--last-name", "Hopper");
  expect([made.exit, made.stderr]).toEqual([0, ""]);
  const link: string = made.body.reset_url;
  expect((await fetch(link)).status).toBe(200);
  expect((await fetch(link, { method: "POST", body: new URLSearchParams({ new_password: PASSWORD }), headers: { origin: new URL(link).origin } })).status).toBe(200);
  expect((await cyberun("users", "show", GRACE)).body).toMatchObject({ id: made.body.id, user_status: "active", is_administrator: false });

  const team = await cyberun("teams", "create", "Blue", ...signedIn());
  expect([team.exit, team.stderr]).toEqual([0, ""]);
  expect((await cyberun("members", "list")).exit).toBe(4);
  expect(await login(team.body.id)).toBe(0);
  expect((await cyberun("teams", "show")).body).toMatchObject({ id: team.body.id, display_name: "Blue", role: "owner" });
  const invited = await cyberun("invitations", "create", "kay@example.com", "--role", "admin");
  expect([invited.exit, String(invited.body.invitation_url).startsWith("http")]).toEqual([0, true]);
  expect((await cyberun("members", "list")).body.member_list).toMatchObject([{ email_address: GRACE, role: "owner" }]);
  expect((await cyberun("quotas")).body.quota_list).toContainEqual(expect.objectContaining({ namespace: "account", key: "max_owned_teams", used: 1 }));
  expect((await cyberun("deployment", "quotas")).body.quota_list).toContainEqual(expect.objectContaining({ namespace: "global", key: "max_users", used: 2 }));
  expect((await cyberun("deployment", "teams", "--all")).body.team_list).toContainEqual(expect.objectContaining({ id: team.body.id, owner_email_address: GRACE }));

  const file = join(home.path, "agent.key");
  const key = await cyberun("keys", "create", "--kind", "agent", "--name", "Builder", "--out", file, ...signedIn());
  const raw = readFileSync(file, "utf8").trim();
  expect([key.exit, key.body.key_file, statSync(file).mode & 0o777, /^ak-/.test(raw)]).toEqual([0, file, 0o600, true]);
  expect((await cyberun("keys", "create", "--kind", "agent", "--name", "Builder")).exit).toBe(2);
  expect((await cyberun("keys", "revoke", key.body.id, ...signedIn())).error).toMatchObject({ code: "invalid_request", retryable: false });
  expect((await cyberun("keys", "revoke", key.body.id, "--yes", ...signedIn())).body).toMatchObject({ is_revoked: true });

  const { audit_list } = (await cyberun("audit", "list", "--all")).body;
  const done: readonly string[] = audit_list.filter(({ outcome }: { outcome: string }) => outcome === "done").map(({ operation, actor }: { operation: string; actor: string }) => `${operation} ${actor.split(":")[0] ?? ""}`);
  for (const step of ["user.create operator", "password_reset.complete anonymous", "team.create user", "pairing.confirm user", "invitation.create device", "credential.create user", "credential.revoke user", "session.end user"]) expect(done).toContain(step);
  expect((await cyberun("audit", "verify")).exit).toBe(0);

  const printed = [team, invited, key].flatMap(({ stdout, stderr }) => [stdout, stderr]).join("\n") + site.stdout() + site.stderr();
  for (const secret of [PASSWORD, raw.slice(12), link.split("/").at(-1) ?? "-"]) expect(printed).not.toContain(secret);
  expect(site.stderr()).not.toContain(invited.body.invitation_token);
}, 120_000);

test("with the server stopped the host's commands go on by the store, and what needs it says so", async () => {
  const shown = async (...words: readonly string[]) => (await cyberun(...words)).exit;
  expect(await site.stop()).toBe(0);
  expect([await shown("users", "list"), await shown("audit", "list"), await shown("deployment", "teams")]).toEqual([0, 0, 0]);
  expect([await shown("users", "create", "--email", "x@example.com", "--first-name", "X", "--last-name", "Y"), await shown("deployment", "quotas"), await shown("teams", "list")]).toEqual([3, 3, 3]);
  expect((await cyberun("users", "delete", GRACE, "--yes")).error).toMatchObject({ code: "conflict", details: { team_ids: [expect.any(String)] } });
}, 60_000);
