/**
 * No secret is left lying about: a scripted run plants every kind of secret, makes it go wrong in many ways, and then
 * looks for each in logs, answers, command lines and every file of the data directory.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { run, type Running } from "../support/executable.ts";
import { administrator, call, createKey, openWorkshop, setupLink, signIn, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let site: Running;
const planted = new Map<string, string>();
const answers: string[] = [];

async function say(path: string, init: Parameters<typeof call>[2]): Promise<void> {
  answers.push(JSON.stringify(await call(site.urls.api, path, init)));
}

/** Requests that fail, each with a secret where it may or may not belong. */
async function goWrong(token: string, key: string, refreshToken: string): Promise<void> {
  const wrong = "hunter2 is my wrong password";
  planted.set("wrong password", wrong);
  const json = (body: unknown) => ({ method: "POST", body: JSON.stringify(body) });
  await say("/api/v1/auth/login", json({ email_address: administrator.email_address, user_password: wrong }));
  await say("/api/v1/auth/login", json({ email_address: administrator.email_address, user_password: wrong, extra: wrong }));
  await say("/api/v1/auth/login", json([wrong]));
  await say("/api/v1/auth/login", { method: "POST", body: `{"user_password":"${wrong}"` });
  await say("/api/v1/auth/refresh", json({ refresh_token: refreshToken, more: 1 }));
  await say(`/api/v1/credentials/${key}`, { method: "DELETE", bearer: token, teamId: crypto.randomUUID() });
  await say("/api/v1/teams", { bearer: `${key}x` });
  await say("/api/v1/teams", { bearer: `${token}x` });
  await say("/api/v1/credentials", { ...json({ kind: "agent", display_name: 7, key }), bearer: token });
  await say("/nowhere", { headers: { cookie: `cyberun=${key.slice(0, 60).replaceAll("-", "_")}` } });
}

beforeAll(async () => {
  workshop = await openWorkshop();
  site = await workshop.serve(await workshop.sign("secrets", ["--template", "enterprise", "--days", "30"]), { env: { CYBERUN_LOG_LEVEL: "debug" } });
  const link = await setupLink(workshop, site);
  planted.set("set-up token", link.split("/").at(-1) ?? "");
  planted.set("password", administrator.user_password);
  const form = await fetch(link, { method: "POST", redirect: "manual", body: new URLSearchParams(administrator), headers: { origin: new URL(link).origin } });
  planted.set("cookie", /=([^;]+)/.exec(form.headers.get("set-cookie") ?? "")?.[1] ?? "");
  const ada = await signIn(site);
  planted.set("access token", ada.token);
  planted.set("refresh token", ada.refreshToken);
  const integration = await createKey(site, ada, "integration");
  planted.set("integration key", integration.key);
  planted.set("agent key", (await createKey(site, ada, "agent")).key);
  const join = await run(["license", "join-token", "--json"], { executable: workshop.cyberun, dataDir: site.dataDir });
  planted.set("join token", String(JSON.parse(join.stdout).join_token));
  await goWrong(ada.token, integration.key, ada.refreshToken);
});

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  workshop.close();
});

/** The part of a secret that makes it one: a prefix or an id may be shown. */
function essence(secret: string): string {
  return secret.slice(Math.min(13, secret.length - 12));
}

function planting(text: string): readonly string[] {
  return [...planted].filter(([, secret]) => text.includes(essence(secret))).map(([name]) => name);
}

test("every secret was really planted", () => {
  expect(planted.size).toBe(9);
  for (const [name, secret] of planted) expect([name, essence(secret).length >= 12]).toEqual([name, true]);
});

test("no answer repeats a secret that was sent", () => {
  expect(answers.flatMap(planting)).toEqual([]);
});

test("the log at its most talkative holds none", () => {
  expect(planting(site.stdout() + site.stderr())).toEqual([]);
});

test("the command line and the environment of the process hold none", () => {
  const seen = readFileSync(`/proc/${site.pid}/cmdline`, "latin1") + readFileSync(`/proc/${site.pid}/environ`, "latin1");
  expect(planting(seen)).toEqual([]);
});

test("no file of the data directory holds one, and none is open to others", async () => {
  await site.stop();
  const files = readdirSync(site.dataDir, { recursive: true, encoding: "utf8" }).map((file) => join(site.dataDir, file));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const { mode, isFile } = { mode: statSync(file).mode & 0o077, isFile: statSync(file).isFile() };
    expect([file, mode]).toEqual([file, 0]);
    if (isFile) expect([file, planting(readFileSync(file, "latin1"))]).toEqual([file, []]);
  }
});
