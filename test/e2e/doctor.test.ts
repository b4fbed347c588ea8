/** `cyberun doctor` on the built executable: beside a running deployment, before the first start, and where something is wrong. */
import { expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type RoleUrls, run, start } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";

interface Told {
  readonly problems: number;
  readonly warnings: number;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly message: string; readonly hint: string | null }[];
}

async function doctor(env: Readonly<Record<string, string>>, dataDir?: string): Promise<Told & { readonly exitCode: number }> {
  const { exitCode, stdout, stderr } = await run(["doctor", "--json"], { env, ...(dataDir === undefined ? {} : { dataDir }) });
  expect(stderr).toBe("");
  const told: Told = JSON.parse(stdout);
  return { ...told, exitCode };
}

const found = ({ checks }: Told, name: string) => checks.filter((each) => each.name === name).map(({ status, message }) => `${status}: ${message}`);

function settingsOf(urls: RoleUrls): Record<string, string> {
  const ports = Object.entries(urls).map(([role, url]) => [`CYBERUN_${role.toUpperCase()}_PORT`, new URL(url ?? "").port]);
  return { ...Object.fromEntries(ports), CYBERUN_LICENSE_SERVER_ADDRESSES: urls.license ?? "" };
}

test("beside a running deployment all of it is looked at, and what is wrong is told with a way out", async () => {
  await using site = await start(["trial"]);
  const settings = settingsOf(site.urls);
  const good = await doctor(settings, site.dataDir);
  expect([good.exitCode, good.problems]).toEqual([0, 0]);
  for (const name of ["api address", "issuer address", "gateway address"]) expect(found(good, name)).toEqual([expect.stringMatching(/^ok: http:\/\/\S+ is ready\.$/)]);
  expect(found(good, "server")).toEqual([`ok: A server runs on ${site.dataDir}.`]);
  expect(found(good, "license")).toEqual([expect.stringMatching(/^(?:ok|warning): (?:ok|expiring) at http/)]);
  expect(found(good, "agents")).toEqual(["ok: None is connected; tasks wait until one is."]);

  const elsewhere = await doctor({ ...settings, CYBERUN_PUBLIC_URL: site.urls.issuer ?? "", CYBERUN_GATEWAY_URL: "http://127.0.0.1:1" }, site.dataDir);
  expect(elsewhere.exitCode).toBe(8);
  expect(found(elsewhere, "api address")).toEqual([`problem: Something else than the api answers at ${site.urls.issuer} (status 200).`]);
  expect(found(elsewhere, "gateway address")).toEqual([expect.stringMatching(/^problem: http:\/\/127\.0\.0\.1:1 cannot be reached from here/)]);
  for (const { status, hint } of elsewhere.checks) if (status === "problem") expect(hint).not.toBeNull();

  using folder = temporaryFolder();
  const taken = await doctor(settings, folder.path);
  expect(taken.exitCode).toBe(8);
  expect(found(taken, "api port")).toEqual([expect.stringContaining("another program uses it")]);
});

test("before the first start it says what is missing, and an open data directory is a problem", async () => {
  using folder = temporaryFolder();
  const fresh = await doctor({}, join(folder.path, "none"));
  expect(fresh.exitCode).toBe(8);
  expect(found(fresh, "data directory")).toEqual([expect.stringContaining("warning: There is no")]);
  expect(found(fresh, "license")).toEqual([expect.stringContaining("problem: There is no license file")]);
  const open = join(folder.path, "open");
  mkdirSync(open);
  chmodSync(open, 0o755);
  expect(found(await doctor({}, open), "data directory")).toEqual([expect.stringContaining("is open to others than its owner")]);
});

test("in words it begins each line with how it stands", async () => {
  const { exitCode, stdout } = await run(["doctor"]);
  expect(exitCode).toBe(8);
  expect(stdout).toMatch(/^ok +settings: They can be used; the roles are license, api, gateway, issuer\.$/m);
  expect(stdout).toMatch(/^PROBLEM +license: There is no license file/m);
  expect(stdout).toMatch(/\n\n1 problem and 1 warning\.\n$/);
});
