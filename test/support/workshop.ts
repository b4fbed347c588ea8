/**
 * A vendor's workshop and a customer's site, both by the real executables.
 *
 *     const workshop = await openWorkshop();                 // own keys, an executable that trusts them
 *     const license = await workshop.sign("one", ["--template", "enterprise", "--days", "30"]);
 *     await using site = await workshop.serve(license);      // all four roles, license in place
 *     const ada = await setUp(site);
 */
import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cyberunExecutable, executableWithKeys, run, type Running, start, type StartOptions } from "./executable.ts";

export interface Workshop {
  readonly folder: string;
  /** `cyberun` and `cyberun-vendor` that trust this workshop's keys. */
  readonly cyberun: string;
  readonly vendor: string;
  /** Signs a license and returns the file's path. Flags are those of `cyberun-vendor sign`. */
  sign(name: string, flags: readonly string[]): Promise<string>;
  /** Revokes a license and returns the revocation's path. Flags are those of `cyberun-vendor revoke`. */
  revoke(name: string, license: string, flags: readonly string[]): Promise<string>;
  /** `cyberun serve` with `license` in force; without one it starts unlicensed. */
  serve(license: string | undefined, options?: ServeOptions): Promise<Running>;
  close(): void;
}

export interface ServeOptions extends StartOptions {
  readonly flags?: readonly string[];
  /** Where the license file lies; default a fresh folder. */
  readonly installed?: string;
}

const customer = ["--customer-id", "acme", "--customer-name", "Acme Ltd", "--deployment-id", "acme-1"];

async function succeeded(executable: string, args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await run(args, { executable });
  if (exitCode !== 0) throw new Error(`${args.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
}

interface Workbench {
  /** Holds `keys` and `private`, as `cyberun-vendor keys create` leaves them. */
  readonly folder: string;
  readonly cyberun: string;
  readonly vendor: string;
}

let workbench: Promise<Workbench> | undefined;

const keysIn = (folder: string) => ["--keys-dir", join(folder, "keys"), "--private-dir", join(folder, "private")];

/** Makes keys with the vendor's executable and builds a customer's executable that trusts them. */
async function makeWorkbench(): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), "cyberun-workbench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await succeeded(await cyberunExecutable("cyberun-vendor"), ["keys", "create", ...keysIn(folder)]);
  const keys = join(folder, "keys");
  return { folder, cyberun: await executableWithKeys(keys), vendor: await executableWithKeys(keys, "cyberun-vendor") };
}

/**
 * A workshop of its own. The keys are those of every workshop of the process, since a build takes seconds; a stranger's are
 * its own, and no executable trusts them.
 */
export async function openWorkshop({ isStranger = false } = {}): Promise<Workshop> {
  workbench ??= makeWorkbench();
  const { folder: made, cyberun, vendor } = await workbench;
  const folder = mkdtempSync(join(tmpdir(), "cyberun-workshop-"));
  const keys = keysIn(folder);
  if (isStranger) await succeeded(vendor, ["keys", "create", ...keys]);
  else cpSync(made, folder, { recursive: true });
  return {
    folder,
    cyberun,
    vendor,
    async sign(name, flags) {
      const out = join(folder, `${name}.lic`);
      const isRenewal = flags.includes("--renew");
      await succeeded(vendor, ["sign", ...keys, ...(isRenewal ? [] : customer), ...flags, "--out", out]);
      return out;
    },
    async revoke(name, license, flags) {
      const out = join(folder, `${name}.revocation`);
      await succeeded(vendor, ["revoke", license, ...keys, ...flags, "--out", out]);
      return out;
    },
    async serve(license, { flags = [], installed, ...options } = {}) {
      const file = installed ?? join(mkdtempSync(join(folder, "site-")), "site.lic");
      if (license !== undefined) copyFileSync(license, file);
      return await start(["serve", "--license", file, ...flags], { executable: cyberun, ...options });
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Answer {
  readonly status: number;
  // The tests read whatever member they expect; a missing one fails their expectation.
  readonly body: Readonly<Record<string, unknown>>;
}

/** Calls `path` on the API server with a bearer credential and, for people, a team. */
export async function call(base: string | undefined, path: string, init: RequestInit & { readonly bearer?: string; readonly teamId?: string } = {}): Promise<Answer> {
  const { bearer, teamId, ...rest } = init;
  const headers = {
    ...(rest.body === undefined ? {} : { "content-type": "application/json" }),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(teamId === undefined ? {} : { "x-team-id": teamId }),
  };
  const response = await fetch(`${base}${path}`, { redirect: "manual", ...rest, headers: { ...headers, ...rest.headers } });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

export interface Administrator {
  readonly token: string;
  readonly refreshToken: string;
  readonly teamId: string;
  readonly password: string;
}

export const administrator = {
  deployment_name: "Acme",
  team_name: "Blue",
  first_name: "Ada",
  last_name: "Lovelace",
  email_address: "ada@example.com",
  user_password: "correct horse battery staple",
} as const;

/** A set-up link, made on the host beside the running server. */
export async function setupLink(workshop: Workshop, site: Running): Promise<string> {
  const { stdout, stderr, exitCode } = await run(["admin", "setup-link", "--json"], { executable: workshop.cyberun, dataDir: site.dataDir });
  const parsed: unknown = exitCode === 0 ? JSON.parse(stdout) : undefined;
  if (typeof parsed === "object" && parsed !== null && "setup_url" in parsed && typeof parsed.setup_url === "string") return parsed.setup_url;
  throw new Error(`no set-up link: ${stdout}${stderr}`);
}

/** First-run set-up through the form's own address, then a sign-in through the API. */
export async function setUp(workshop: Workshop, site: Running): Promise<Administrator> {
  const link = await setupLink(workshop, site);
  const form = await fetch(link, { method: "POST", redirect: "manual", body: new URLSearchParams(administrator), headers: { origin: new URL(link).origin } });
  if (form.status !== 303) throw new Error(`set-up answered ${form.status}: ${await form.text()}`);
  return await signIn(site);
}

export async function signIn(site: Running): Promise<Administrator> {
  const { email_address, user_password } = administrator;
  const login = await call(site.urls.api, "/api/v1/auth/login", { method: "POST", body: JSON.stringify({ email_address, user_password }) });
  const token = String(login.body["access_token"]);
  const teams = await call(site.urls.api, "/api/v1/teams", { bearer: token });
  const [first]: unknown[] = Array.isArray(teams.body["team_list"]) ? teams.body["team_list"] : [];
  const teamId = typeof first === "object" && first !== null && "id" in first ? String(first.id) : "";
  return { token, refreshToken: String(login.body["refresh_token"]), teamId, password: user_password };
}

/** A new key of the administrator's team. */
export async function createKey(site: Running, { token, teamId }: Administrator, kind: "integration" | "agent"): Promise<{ readonly id: string; readonly key: string }> {
  const created = await call(site.urls.api, "/api/v1/credentials", { method: "POST", bearer: token, teamId, body: JSON.stringify({ kind, display_name: kind }) });
  if (created.status !== 201) throw new Error(`no ${kind} key: ${created.status} ${JSON.stringify(created.body)}`);
  return { id: String(created.body["id"]), key: String(created.body["raw_key"]) };
}
