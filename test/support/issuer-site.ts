/**
 * The compiled issuer with what a client of it needs: registration by the operator's command, and a person at a browser.
 *
 *     await using party = await openIssuerSite();
 *     const client = await party.register({ redirect_uris: [REDIRECT] });
 *     const callback = await party.signInAt(authorizationUrl);
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser, type TestBrowser } from "./browser.ts";
import { run, type Running } from "./executable.ts";
import { type Administrator, administrator, openWorkshop, type ServeOptions, setUp, type Workshop } from "./workshop.ts";

export interface RegisteredClient {
  readonly id: string;
  /** Empty for a public client. */
  readonly secret: string;
}

export interface IssuerSite extends AsyncDisposable {
  readonly workshop: Workshop;
  readonly site: Running;
  readonly issuer: string;
  readonly ada: Administrator;
  register(metadata: Readonly<Record<string, unknown>>): Promise<RegisteredClient>;
  /** A new browser, with nobody signed in. */
  browser(): TestBrowser;
  /** Kills the process and starts another on the same data and at the same address; `between` is while none runs. */
  killAndRestart(between?: () => void): Promise<void>;
}

/** Signs the administrator in where it is asked for, allows what is asked, and tells where the browser is sent then. */
export async function signInAt(browser: TestBrowser, address: string): Promise<URL> {
  const { email_address, user_password } = administrator;
  await browser.open(address);
  if (browser.page.text.includes('id="sign-in"')) await browser.submit("sign-in", { email_address, user_password });
  if (browser.page.text.includes('id="consent"')) await browser.submit("consent", { decision: "allow" });
  const { location } = browser.page;
  if (location === undefined) throw new Error(`the sign-in did not end: ${browser.page.status} ${browser.page.text}`);
  return location;
}

/** Runs an operator's command beside the running server and gives what it prints as JSON. */
export async function operate(workshop: Workshop, site: Running, args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { stdout, stderr, exitCode } = await run([...args, "--json"], { executable: workshop.cyberun, dataDir: site.dataDir });
  const said: unknown = exitCode === 0 ? JSON.parse(stdout) : undefined;
  if (typeof said !== "object" || said === null) throw new Error(`${args.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
  return Object.fromEntries(Object.entries(said));
}

/** All four roles, set up, with signing keys of every algorithm. */
export async function openIssuerSite(options: Pick<ServeOptions, "flags"> = {}): Promise<IssuerSite> {
  const workshop = await openWorkshop();
  const license = await workshop.sign("issuer", ["--template", "enterprise", "--days", "30"]);
  const first = await workshop.serve(license, options);
  let site = first;
  const ada = await setUp(workshop, site);
  for (const alg of ["EdDSA", "RS256"]) await operate(workshop, site, ["oidc", "keys", "add", "--alg", alg]);
  const issuer = site.urls.issuer ?? "";
  let clients = 0;
  return {
    workshop,
    get site() {
      return site;
    },
    issuer,
    ada,
    async register(metadata) {
      clients += 1;
      const file = join(workshop.folder, `client-${clients}.json`);
      writeFileSync(file, JSON.stringify(metadata));
      const { client, client_secret } = await operate(workshop, site, ["oidc", "clients", "create", "--metadata-file", file]);
      if (typeof client !== "object" || client === null || !("client_id" in client)) throw new Error("no client was registered");
      return { id: String(client.client_id), secret: typeof client_secret === "string" ? client_secret : "" };
    },
    browser: () => openBrowser(issuer),
    async killAndRestart(between = () => {}) {
      const before = site;
      await before.kill();
      between();
      site = await workshop.serve(license, { ...options, dataDir: first.dataDir, env: { CYBERUN_ISSUER_PORT: new URL(issuer).port } });
      if (before !== first) await before[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]();
      // The first has the folder of the data.
      if (site !== first) await first[Symbol.asyncDispose]();
      workshop.close();
    },
  };
}
