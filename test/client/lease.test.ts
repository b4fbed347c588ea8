/** A product's lease from a real License Server: what it grants, what it refuses, and what comes of a server that goes away. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LeaseOptions } from "../../client/lease.d.ts";
import { NotLicensed, openLease } from "../../client/src/lease.ts";
import { type ClientPackage, installedClient } from "../support/client-package.ts";
import { eventually } from "../support/eventually.ts";
import { run, type Running } from "../support/executable.ts";
import { openWorkshop, type Workshop } from "../support/workshop.ts";

let workshop: Workshop;
let server: Running;
let installed: ClientPackage;
beforeAll(async () => {
  workshop = await openWorkshop();
  installed = await installedClient();
  server = await workshop.serve(await workshop.sign("first", ["--template", "enterprise", "--days", "40", "--quota", "team.max_agents=7"]), { installed: join(workshop.folder, "site.lic") });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  installed[Symbol.dispose]();
  workshop.close();
});

async function joinToken(): Promise<string> {
  const { stdout } = await run(["license", "join-token", "--json"], { executable: workshop.cyberun, dataDir: server.dataDir });
  return String(JSON.parse(stdout).join_token);
}

const keysFile = () => join(workshop.folder, "keys/license-keys.json");
const options = (name: string): LeaseOptions => ({ servers: [server.urls.license ?? ""], stateDir: join(workshop.folder, name), licenseKeys: JSON.parse(readFileSync(keysFile(), "utf8")), version: "3.2" });

test("a product enrols once with a join token, and is granted what the license says", async () => {
  const told: string[] = [];
  {
    await using lease = await openLease({ ...options("one"), joinToken: await joinToken(), onLog: (level, event) => void told.push(`${level} ${event}`) });
    expect(lease.standing()).toMatchObject({ state: "ok", isOpen: true, customerName: expect.any(String) });
    expect([lease.hasFeature("team", "workflow_snapshots"), lease.hasFeature("team", "no_such_feature"), lease.quota("team", "max_agents"), lease.quota("team", "nothing")]).toEqual([true, false, 7, 0]);
    expect(() => lease.require("team", "workflow_snapshots")).not.toThrow();
    expect(() => lease.require("team", "no_such_feature")).toThrow(NotLicensed);
  }
  expect(statSync(join(workshop.folder, "one")).mode & 0o077).toBe(0);
  expect(told.length).toBeGreaterThan(0);
  // Its key is enrolled now; the token is good no more, and needed no more.
  await using again = await openLease(options("one"));
  expect(again.standing().state).toBe("ok");
  const { stdout } = await run(["license", "clients", "--json"], { executable: workshop.cyberun, dataDir: server.dataDir });
  expect(JSON.parse(stdout).clients).toContainEqual(expect.objectContaining({ role: "product", enrolled_by: expect.any(String) }));
});

test("without a token, with keys of another vendor, or with none that fit, nothing is granted", async () => {
  await using stranger = await openLease(options("stranger"));
  expect([stranger.standing().isOpen, stranger.hasFeature("team", "workflow_snapshots"), stranger.quota("team", "max_agents")]).toEqual([false, false, 0]);
  expect(() => stranger.require()).toThrow(expect.objectContaining({ status: 503, code: "missing" }));
  const other = await openWorkshop({ isStranger: true });
  const licenseKeys: unknown = JSON.parse(readFileSync(join(other.folder, "keys/license-keys.json"), "utf8"));
  await using foreign = await openLease({ ...options("foreign"), licenseKeys, joinToken: await joinToken() });
  expect(foreign.standing().isOpen).toBe(false);
  other.close();
  expect(openLease({ ...options("none"), licenseKeys: { keys: [] } })).rejects.toThrow("keys");
  expect(openLease({ ...options("none"), servers: [] })).rejects.toThrow(TypeError);
});

test("the example obeys the license: 200, 403, 503, and no sudden end when no server answers", async () => {
  const tokenFile = join(workshop.folder, "join");
  writeFileSync(tokenFile, await joinToken(), { mode: 0o600 });
  await using example = installed.run("node", "gate-features", { env: { LICENSE_SERVERS: server.urls.license ?? "", LICENSE_KEYS_FILE: keysFile(), STATE_DIR: join(workshop.folder, "two"), JOIN_TOKEN_FILE: tokenFile } });
  const { address, standing } = await example.next();
  expect(standing).toMatchObject({ state: "ok" });
  const ask = async (feature: string) => {
    const response = await fetch(`http://127.0.0.1:${Object(address).port}/${feature}`);
    return [response.status, await response.json()];
  };
  expect(await ask("workflow_snapshots")).toEqual([200, { agents: 7 }]);
  expect(await ask("no_such_feature")).toEqual([403, { code: "feature_disabled", hint: expect.any(String) }]);

  const license = await workshop.sign("second", ["--template", "enterprise", "--sequence", "2", "--days", "40", "--quota", "team.max_agents=9"]);
  writeFileSync(join(workshop.folder, "site.lic"), readFileSync(license));
  await eventually(async () => JSON.stringify(await ask("workflow_snapshots")) === JSON.stringify([200, { agents: 9 }]), "the renewal acts");

  await server.kill();
  // Its lease and then its grace go on; what comes of them in time, the tests of the holder show with a clock that can be moved.
  expect(await ask("workflow_snapshots")).toEqual([200, { agents: 9 }]);
});
