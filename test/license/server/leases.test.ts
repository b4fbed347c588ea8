import { describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { createJoinToken, JOIN_TOKEN_SECONDS_MAX, listLeaseClients, revokeLeaseClient } from "../../../src/license/server/enrolment.ts";
import type { Lease } from "../../../src/license/lease.ts";
import { nextChain } from "../../../src/license/server/ledger.ts";
import { answerLease } from "../../../src/license/server/leases.ts";
import { installLicense, readLicenseStatus } from "../../../src/license/server/operations.ts";
import { redactText } from "../../../src/log.ts";
import { type LicenseOverrides, testVendor } from "../../support/license.ts";
import { type TestClient, TestSite } from "../../support/license-server.ts";

const vendor = testVendor();
const DAY = 86_400;
/** The test clock starts at 2026-01-01T00:00:00Z. */
const NOW = Date.UTC(2026, 0, 1) / 1_000;
const signed = (overrides: LicenseOverrides = {}) => vendor.sign({ issued_at: NOW - DAY, not_before: NOW - DAY, expires_at: NOW + 365 * DAY, ...overrides });

const status = (site: TestSite) => readLicenseStatus(site.server.gate, operator, { server: site.server });
const install = (site: TestSite, text: string) => installLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) });
const revoke = (site: TestSite, client: TestClient) => revokeLeaseClient(site.server.gate, operator, { server: site.server, clientId: client.key.kid });
const joinToken = (site: TestSite, seconds?: number) => createJoinToken(site.server.gate, operator, { server: site.server, ...(seconds === undefined ? {} : { seconds }) });
const ledger = (site: TestSite) => site.store.read(async (reader) => await reader.select().from(reader.tables.leaseDays).orderBy(reader.tables.leaseDays.id));

describe("a lease", () => {
  test("names client, role and both nonces, carries the license, and grants what it says for as long as it says", async () => {
    const file = signed({ lease_seconds: 300 });
    await using site = await TestSite.start({ license: file });
    const client = site.client("gateway");
    const nonces = client.challenge();
    const lease = await client.send(client.proof(nonces));
    const license = vendor.payload();
    expect(lease).toMatchObject({ ...nonces, role: "gateway", client: client.key.kid, state: "ok", reason: "", license: file, activated_at: 0 });
    expect(lease).toMatchObject({ epoch: 1, counter: 1, issued_at: NOW, expires_at: NOW + 300, since: NOW });
    expect({ features: lease.features, quotas: lease.quotas }).toEqual({ features: license.features, quotas: license.quotas });
  });

  test("never outlives the license", async () => {
    await using site = await TestSite.start({ license: signed({ expires_at: NOW + 100, lease_seconds: 300 }) });
    expect((await site.client().lease()).expires_at).toBe(NOW + 100);
  });

  test("of a trial tells its first use and ends with it", async () => {
    await using site = await TestSite.start({ license: signed({ template: "trial", activation: { days: 1 }, lease_seconds: 86_400 }) });
    await site.sleep(3_600_000);
    expect(await site.client().lease()).toMatchObject({ activated_at: NOW, expires_at: NOW + DAY });
  });

  const shut: readonly (readonly [string, LicenseOverrides | undefined])[] = [
    ["expired", { expires_at: NOW - 1 }],
    ["not_yet_valid", { not_before: NOW + 1 }],
    ["not_bound", { binding: { kind: "cluster", ids: ["east"] } }],
    ["clock_anomaly", { issued_at: NOW + DAY }],
    ["missing", undefined],
  ];
  for (const [state, overrides] of shut) {
    test(`in the state ${state} is a signed refusal that grants nothing and is over in a minute`, async () => {
      await using site = await TestSite.start(overrides === undefined ? {} : { license: signed(overrides) });
      const lease = await site.client().lease();
      expect(lease).toMatchObject({ state, features: { global: {}, account: {}, team: {} }, quotas: { global: {}, account: {}, team: {} } });
      expect(lease.expires_at - lease.issued_at).toBe(60);
      expect(lease.license === "").toBe(overrides === undefined);
    });
  }

  test("turns into a refusal in the very second of the end, and into a lease again with the renewal", async () => {
    await using site = await TestSite.start({ license: signed({ expires_at: NOW + 100 }) });
    const client = site.client();
    site.services.clock.advance(99_999);
    expect((await client.lease()).state).toBe("expiring");
    site.services.clock.advance(1);
    expect(await client.lease()).toMatchObject({ state: "expired", since: NOW + 100 });
    await install(site, signed({ sequence: 2 }));
    expect((await client.lease()).state).toBe("ok");
  });
});

describe("a hot renewal", () => {
  test("is pushed within two seconds and is in the next lease", async () => {
    await using site = await TestSite.start({ license: signed({ features: { team: { webhooks: false } } }) });
    const client = site.client();
    expect((await client.lease()).features.team["webhooks"]).toBe(false);
    const reader = site.server.changes.open(client.key.kid, "ok").getReader();
    await reader.read();
    site.writeFile(signed({ sequence: 2, features: { team: { webhooks: true } } }));
    await site.pass(2_000);
    const { value } = await reader.read();
    expect(Buffer.from(value ?? []).toString()).toMatch(/^event: changed\ndata: \{"sequence_of_change":\d+,"state":"ok"\}\n\n$/);
    expect((await client.lease()).features.team["webhooks"]).toBe(true);
  });
});

describe("counters", () => {
  test("never repeat: over concurrent leases, restarts and kills", async () => {
    await using site = await TestSite.start({ license: signed() });
    const clients = [site.client("api"), site.client("gateway")];
    const leases: Lease[] = [];
    for (let start = 0; start < 4; start += 1) {
      const proofs = clients.flatMap((client) => Array.from({ length: 8 }, () => client.proof()));
      leases.push(...(await Promise.all(proofs.map((proof) => clients[0]?.send(proof) ?? expect.unreachable()))));
      await site.restart({ kill: start % 2 === 0 });
    }
    const names = leases.map(({ client, epoch, counter }) => `${client}/${epoch}/${counter}`);
    expect(new Set(names).size).toBe(64);
    for (const { key } of clients) {
      const own = leases.filter(({ client }) => client === key.kid).map(({ counter }) => counter);
      expect(own.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
    }
  });

  test("are on disk before the answer leaves", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    for (let count = 1; count <= 5; count += 1) {
      const { counter } = await client.lease();
      expect((await ledger(site)).map((row) => row.last_counter)).toEqual([counter]);
    }
  });
});

describe("the ledger", () => {
  test("has one row for each client and day, with a chain over every lease", async () => {
    await using site = await TestSite.start({ license: signed({ expires_at: NOW + DAY + 3_600 }) });
    const client = site.client();
    const texts: string[] = [];
    const ask = async (times: number) => {
      for (let count = 0; count < times; count += 1) texts.push((await answerLease(site.server, client.proof(), undefined)).lease);
    };
    await ask(3);
    await site.sleep(DAY * 1_000);
    await ask(2);
    await site.sleep(3_600_000);
    await ask(1);
    const chain = texts.reduce(nextChain, "");
    expect(await ledger(site)).toMatchObject([
      { day: "2026-01-01", granted: 3, refused: 0, last_counter: 3, chain: texts.slice(0, 3).reduce(nextChain, "") },
      { day: "2026-01-02", granted: 2, refused: 1, last_counter: 6, chain },
    ]);
  });

  test("goes on over a restart, and the audit log tells the first lease, another license and another state only", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    for (let count = 0; count < 5; count += 1) await client.lease();
    await install(site, signed({ sequence: 2, expires_at: NOW + 3_600, not_before: NOW }));
    for (let count = 0; count < 5; count += 1) await client.lease();
    await site.sleep(3_600_000);
    for (let count = 0; count < 5; count += 1) await client.lease();
    const rows = await site.audited("lease.grant");
    expect(rows).toMatchObject([
      { outcome: "done", details: { state: "ok", sequence: 1, counter: 1 } },
      { outcome: "done", details: { state: "ok", sequence: 2, counter: 6 } },
      { outcome: "refused", details: { state: "expired", sequence: 2, counter: 11 } },
    ]);
    await site.restart();
    await client.lease();
    expect(await site.audited("lease.grant")).toHaveLength(4);
    expect((await ledger(site)).at(-1)).toMatchObject({ last_counter: 16 });
  });
});

describe("enrolment", () => {
  test("by the directory's secret happens once, and is audited once", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    for (let count = 0; count < 3; count += 1) await client.lease();
    expect(await site.audited("lease_client.enrol")).toMatchObject([{ outcome: "done", actor: `lease_client:${client.key.kid}`, details: { role: "api", by: "local" } }]);
  });

  test("by a join token works on another host, once, and the token holds the server's thumbprint", async () => {
    await using site = await TestSite.start({ license: signed() });
    const { token, id } = await joinToken(site);
    expect(token).toMatch(/^join-[0-9a-f]{8}_[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/);
    expect(token.endsWith(`.${site.server.instance.kid}`)).toBe(true);
    const [client, second] = [site.client(), site.client()];
    client.enrol = second.enrol = { token };
    expect((await client.lease()).state).toBe("ok");
    await expect(second.lease()).rejects.toMatchObject({ code: "not_enrolled" });
    expect((await client.lease()).counter).toBe(2);
    expect(await site.audited("lease_client.enrol")).toMatchObject([{ details: { by: `token:${id}` } }]);
  });

  test("with one token by fifty at the same time lets in exactly one", async () => {
    await using site = await TestSite.start({ license: signed() });
    const { token } = await joinToken(site);
    const racers = Array.from({ length: 50 }, () => site.client());
    for (const racer of racers) racer.enrol = { token };
    const outcomes = await Promise.allSettled(racers.map((racer) => racer.lease()));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await listLeaseClients(site.server.gate, operator, undefined)).toHaveLength(1);
  });

  const refused: readonly (readonly [string, (site: TestSite, client: TestClient) => Promise<void> | void])[] = [
    ["without anything to show", (_site, client) => void (client.enrol = "nothing")],
    ["with a token of another server", async (_site, client) => {
      await using elsewhere = await TestSite.start();
      client.enrol = { token: (await joinToken(elsewhere)).token };
    }],
    ["with a token whose secret was guessed", async (site, client) => {
      const { token } = await joinToken(site);
      client.enrol = { token: `${token.slice(0, 14)}${"A".repeat(43)}${token.slice(57)}` };
    }],
    ["with a token that is over", async (site, client) => {
      client.enrol = { token: (await joinToken(site, 60)).token };
      site.services.clock.advance(60_000);
    }],
    ["with a token that is over, after the clock was set back", async (site, client) => {
      client.enrol = { token: (await joinToken(site, 60)).token };
      site.services.clock.advance(60_000);
      site.services.clock.stepWall(-50_000);
    }],
  ];
  for (const [how, prepare] of refused) {
    test(`${how} is refused, and leaves no trace that a stranger could fill a disk with`, async () => {
      await using site = await TestSite.start({ license: signed() });
      const client = site.client();
      await prepare(site, client);
      await expect(client.lease()).rejects.toMatchObject({ code: "not_enrolled", hint: expect.stringContaining("join-token") });
      expect(await site.audited("lease_client.enrol")).toEqual([]);
      expect(await ledger(site)).toEqual([]);
      expect(await listLeaseClients(site.server.gate, operator, undefined)).toEqual([]);
    });
  }

  test("of a guessed secret does not burn the token", async () => {
    await using site = await TestSite.start({ license: signed() });
    const { token } = await joinToken(site);
    const [guesser, client] = [site.client(), site.client()];
    guesser.enrol = { token: `${token.slice(0, 14)}${"A".repeat(43)}${token.slice(57)}` };
    await expect(guesser.lease()).rejects.toMatchObject({ code: "not_enrolled" });
    client.enrol = { token };
    expect((await client.lease()).state).toBe("ok");
  });

  test("a join token is stored sealed, looks like a secret to the log, and its life is bounded", async () => {
    await using site = await TestSite.start();
    const { token } = await joinToken(site);
    expect(redactText(`use ${token} soon`)).not.toContain(token.slice(14, 57));
    const rows = await site.store.read(async (reader) => await reader.select().from(reader.tables.joinTokens));
    expect(JSON.stringify(rows)).not.toContain(token.slice(14, 57));
    for (const seconds of [0, -1, 1.5, JOIN_TOKEN_SECONDS_MAX + 1, Number.NaN]) await expect(joinToken(site, seconds)).rejects.toMatchObject({ code: "invalid_request" });
    expect(await site.audited("join_token.create")).toHaveLength(1);
  });
});

describe("a revoked client", () => {
  test("gets nothing from then on, cannot enrol again, and its streams are closed", async () => {
    await using site = await TestSite.start({ license: signed() });
    const [client, other] = [site.client(), site.client()];
    await Promise.all([client.lease(), other.lease()]);
    const reader = site.server.changes.open(client.key.kid, "ok").getReader();
    await reader.read();
    await revoke(site, client);
    expect((await reader.read()).done).toBe(true);
    for (const enrol of ["local", "nothing", { token: (await joinToken(site)).token }] as const) {
      client.enrol = enrol;
      await expect(client.lease()).rejects.toMatchObject({ code: "not_enrolled" });
    }
    await site.restart();
    client.enrol = "local";
    await expect(client.lease()).rejects.toMatchObject({ code: "not_enrolled" });
    expect((await other.lease()).state).toBe("ok");
    expect(await site.audited("lease_client.revoke")).toMatchObject([{ outcome: "done", actor: "operator" }]);
  });

  test("gets nothing that is asked for after the revocation was answered, however many it asks at once", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    await client.lease();
    for (let round = 0; round < 5; round += 1) {
      const before = Array.from({ length: 4 }, () => client.proof());
      const racing = before.map((proof) => client.send(proof));
      const revoking = revoke(site, client).catch(() => undefined);
      await Promise.allSettled([...racing, revoking]);
      await expect(client.lease()).rejects.toMatchObject({ code: "not_enrolled" });
    }
  });

  test("is listed with its last lease; one that was never enrolled is not found", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client("issuer");
    await client.lease();
    await client.lease();
    await revoke(site, client);
    const at = NOW * 1_000;
    expect(await listLeaseClients(site.server.gate, operator, undefined)).toEqual([
      { id: client.key.kid, role: "issuer", enrolled_by: "local", enrolled_at: at, revoked_at: at, last_lease_at: at, counter: 2 },
    ]);
    await expect(revoke(site, client)).rejects.toMatchObject({ code: "not_found" });
    await expect(revoke(site, site.client())).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("what a client remembers and the server has lost", () => {
  /** A site with a client that has had leases, a renewed license, and some starts. */
  async function lived(): Promise<{ site: TestSite; client: TestClient }> {
    const site = await TestSite.start({ license: signed({ sequence: 4 }) });
    const client = site.client();
    await site.restart();
    await site.restart();
    for (let count = 0; count < 5; count += 1) await client.lease();
    return { site, client };
  }

  test("a restored store counts on above what the client has seen, and says that it was restored", async () => {
    const { site, client } = await lived();
    await using _site = site;
    const restore = await site.snapshot();
    for (let count = 0; count < 5; count += 1) await client.lease();
    await site.restart({ between: () => restore({ marks: true }) });
    const seen = client.seen;
    const lease = await client.lease();
    expect(lease.epoch).toBeGreaterThan(seen.epoch);
    expect(lease.counter).toBeGreaterThan(seen.counter);
    expect((await status(site)).server.restored_since).toBe(NOW);
    expect(await site.audited("license.learn")).toMatchObject([{ actor: `lease_client:${client.key.kid}`, details: { counter: seen.counter } }]);
    await client.lease();
    expect(await site.audited("license.learn")).toHaveLength(1);
  });

  test("a wiped store with a living client goes on above its epoch, over a further restart too", async () => {
    const { site, client } = await lived();
    await using _site = site;
    const { epoch, counter } = client.seen;
    await site.restart({ between: () => site.wipe({ marks: true }) });
    const lease = await client.lease();
    expect([lease.epoch > epoch, lease.counter > counter]).toEqual([true, true]);
    await site.restart({ kill: true });
    expect((await client.lease()).epoch).toBeGreaterThan(lease.epoch);
  });

  test("a sequence it has lost makes an older license a rollback, until the newest is installed", async () => {
    const { site, client } = await lived();
    await using _site = site;
    site.writeFile(signed({ sequence: 2 }));
    await site.restart({ between: () => site.wipe({ marks: true }) });
    expect(site.state).toBe("ok");
    expect(await client.lease()).toMatchObject({ state: "rollback_suspected", features: { team: {} } });
    await site.restart();
    expect(site.state).toBe("rollback_suspected");
    await expect(install(site, signed({ sequence: 3 }))).rejects.toMatchObject({ code: "invalid_license" });
    await install(site, signed({ sequence: 4 }));
    expect((await client.lease()).state).toBe("ok");
  });

  test("a sequence is believed for its own deployment only", async () => {
    await using site = await TestSite.start({ license: signed({ sequence: 4 }) });
    const client = site.client();
    client.seen = { ...client.seen, deployment_id: "another", sequence: 99 };
    expect((await client.send(client.proof())).state).toBe("ok");
    await expect(install(site, signed({ deployment_id: "another", sequence: 98 }))).rejects.toMatchObject({ details: { refusal: "sequence_too_low" } });
  });

  test("one liar cannot refuse every license to come", async () => {
    await using site = await TestSite.start({ license: signed({ sequence: 4 }) });
    const client = site.client();
    await client.lease();
    client.seen = { ...client.seen, deployment_id: "test-deployment", sequence: 2_000_000 };
    await expect(client.send(client.proof())).rejects.toMatchObject({ code: "handshake_refused", details: { check: "marks" } });
    expect(site.state).toBe("ok");
  });

  test("an honest client whose clock runs ahead teaches no time", async () => {
    await using site = await TestSite.start({ license: signed() });
    const client = site.client();
    await client.lease();
    client.seen = { ...client.seen, time: NOW + 30 * DAY };
    expect((await client.send(client.proof())).state).toBe("ok");
    expect(await site.audited("license.learn")).toEqual([]);
  });
});
