import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CHALLENGES_MAX, CHALLENGES_PER_KEY_MAX, Challenges, NEXT_CHALLENGES_MAX } from "../../../src/license/server/challenges.ts";
import { presentProof } from "../../../src/license/server/handshake.ts";
import { testVendor } from "../../support/license.ts";
import { type TestClient, TestSite } from "../../support/license-server.ts";
import { attack, attacks, drill, startArena } from "../../drill/handshake.ts";

describe("a message is refused", () => {
  let arena: Awaited<ReturnType<typeof startArena>>;
  beforeAll(async () => {
    arena = await startArena("handshake test");
  });
  afterAll(() => arena.site[Symbol.asyncDispose]());

  for (const [name, make] of Object.entries(attacks)) {
    test(`${name}`, async () => {
      for (let round = 0; round < 10; round += 1) {
        expect(await attack({ ...arena, round }, make)).toMatch(/^(handshake_refused|not_enrolled)$/);
      }
      expect((await arena.client.lease()).state).toBe("ok");
    });
  }
});

test("of three thousand hostile messages none is answered, and the honest ones in between are (short form of the drill)", async () => {
  const { violations, facts } = await drill(3_000);
  expect(violations).toEqual([]);
  expect(facts["honest"]).toBe(60);
});

describe("the order of the checks", () => {
  const refusals: readonly (readonly [string, (client: TestClient) => string])[] = [
    ["signature", (client) => client.proof({ signWith: client.key, server_nonce: client.nonce(), client_nonce: client.nonce() }).slice(0, -4)],
    ["challenge", (client) => (client.challenge(), client.proof({ client_nonce: client.nonce(), server_nonce: client.nonce() }))],
    ["client_nonce", (client) => client.proof({ server_nonce: client.challenge().server_nonce, client_nonce: client.nonce(), role: "issuer", purpose: "reload" })],
    ["role", (client) => client.proof({ role: "issuer", purpose: "reload", audience: client.nonce() })],
    ["purpose", (client) => client.proof({ purpose: "reload", audience: client.nonce() })],
    ["audience", (client) => client.proof({ audience: client.nonce(), file_sha256: client.nonce() })],
    ["file", (client) => client.proof({ file_sha256: client.nonce(), seen: { ...client.seen, counter: 2 ** 50 } })],
    ["marks", (client) => client.proof({ seen: { ...client.seen, time: 253_402_300_800 } })],
  ];
  for (const [check, make] of refusals) {
    test(`a proof that fails ${check} and later ones is refused for ${check}, and its challenge is gone`, async () => {
      await using site = await TestSite.start({ license: testVendor().sign() });
      const client = site.client();
      const message = make(client);
      await expect(client.send(message)).rejects.toMatchObject({ code: "handshake_refused", details: { check } });
      await expect(client.send(message)).rejects.toMatchObject({ code: "handshake_refused" });
    });
  }

  test.each(["reload", "install"] as const)("a product of others gets leases and may %s nothing", async (purpose) => {
    await using site = await TestSite.start({ license: testVendor().sign() });
    const product = site.client("product");
    expect((await product.lease()).state).toBe("ok");
    const file = purpose === "install" ? { fileSha256: product.nonce() } : {};
    const message = product.proof({ purpose, ...(file.fileSha256 === undefined ? {} : { file_sha256: file.fileSha256 }) });
    expect(() => presentProof(site.server.challenges, message, { purpose, audience: site.server.instance.kid, ...file })).toThrow(/made for another purpose/);
  });

  test("a file has to be the one the proof names", async () => {
    await using site = await TestSite.start();
    const client = site.client();
    const fileSha256 = client.nonce();
    const demand = { purpose: "install", audience: site.server.instance.kid, fileSha256 } as const;
    const present = (file_sha256: string) => presentProof(site.server.challenges, client.proof({ purpose: "install", file_sha256 }), demand);
    expect(present(fileSha256).clientId).toBe(client.key.kid);
    expect(() => present(client.nonce())).toThrow(/does not name the file/);
    expect(() => presentProof(site.server.challenges, client.proof({ purpose: "install" }), demand)).toThrow(/does not name the file/);
  });
});

describe("challenges", () => {
  test("serve once, for thirty seconds, for their own client only", async () => {
    await using site = await TestSite.start();
    const { challenges } = site.server;
    const [client, other] = [site.client(), site.client()];
    const { server_nonce } = client.challenge();
    expect(challenges.take(other.key.kid, server_nonce)).toBeUndefined();
    site.services.clock.advance(29_999);
    expect(challenges.take(client.key.kid, server_nonce)?.request.client_key).toBe(client.x);
    expect(challenges.take(client.key.kid, server_nonce)).toBeUndefined();
    const late = client.challenge();
    site.services.clock.advance(30_000);
    expect(challenges.take(client.key.kid, late.server_nonce)).toBeUndefined();
  });

  test("are timed by the monotonic clock: a step of the wall clock neither ends nor revives one", async () => {
    await using site = await TestSite.start();
    const client = site.client();
    const first = client.challenge();
    site.services.clock.stepWall(3_600_000);
    expect(site.server.challenges.take(client.key.kid, first.server_nonce)).toBeDefined();
    const second = client.challenge();
    site.services.clock.advance(31_000);
    site.services.clock.stepWall(-31_000);
    expect(site.server.challenges.take(client.key.kid, second.server_nonce)).toBeUndefined();
  });

  test("of one key are few: the oldest of it goes first", async () => {
    await using site = await TestSite.start();
    const client = site.client();
    const made = Array.from({ length: CHALLENGES_PER_KEY_MAX + 1 }, () => client.challenge().server_nonce);
    expect(made.map((nonce) => site.server.challenges.take(client.key.kid, nonce) !== undefined)).toEqual([false, ...Array(CHALLENGES_PER_KEY_MAX).fill(true)]);
  });

  test("are bounded however many strangers ask, and forgotten when they are old", async () => {
    await using site = await TestSite.start();
    const challenges = new Challenges(site.services);
    const ask = () => challenges.issue({ client_key: site.client().nonce(), role: "api", client_nonce: "x".repeat(43) });
    for (let asked = 0; asked < CHALLENGES_MAX + 500; asked += 1) ask();
    expect(challenges.count).toBe(CHALLENGES_MAX);
    site.services.clock.advance(30_000);
    ask();
    expect(challenges.count).toBe(1);
  });

  test("that go along with a lease are one for each client, serve once, and end when the client begins anew", async () => {
    await using site = await TestSite.start({ license: testVendor().sign() });
    const { challenges } = site.server;
    const client = site.client();
    await client.lease();
    const first = client.next;
    await client.lease(client.renewal());
    expect(challenges.nextCount).toBe(1);
    expect(challenges.take(client.key.kid, first)).toBeUndefined();
    expect(challenges.take(site.client().key.kid, client.next)).toBeUndefined();
    expect(challenges.take(client.key.kid, client.next)).toBeDefined();
    expect(challenges.take(client.key.kid, client.next)).toBeUndefined();
    await client.lease();
    client.challenge();
    expect(challenges.take(client.key.kid, client.next)).toBeUndefined();
    expect(challenges.nextCount).toBe(0);
  });

  test("that go along with a lease live as long as it does", async () => {
    await using site = await TestSite.start({ license: testVendor().sign({ lease_seconds: 120 }) });
    const client = site.client();
    await client.lease();
    site.services.clock.advance(119_999);
    expect((await client.lease(client.renewal())).state).toBe("ok");
    site.services.clock.advance(120_000);
    await expect(client.lease(client.renewal())).rejects.toMatchObject({ details: { check: "challenge" } });
  });

  test.each(["reload", "install"] as const)("that go along with a lease serve no %s", async (purpose) => {
    await using site = await TestSite.start({ license: testVendor().sign() });
    const client = site.client();
    await client.lease();
    const file = purpose === "install" ? { fileSha256: client.nonce() } : {};
    const message = client.proof({ ...client.renewal(), purpose, ...(file.fileSha256 === undefined ? {} : { file_sha256: file.fileSha256 }) });
    expect(() => presentProof(site.server.challenges, message, { purpose, audience: site.server.instance.kid, ...file })).toThrow(/made for another purpose/);
  });

  test("that go along with leases are bounded, the one longest without a lease first, and no stranger pushes them out", async () => {
    await using site = await TestSite.start();
    const challenges = new Challenges(site.services);
    const next = (id: number) => {
      const key = { ...site.client().key, x: "A".repeat(43), kid: `client ${id}` };
      return challenges.issueNext({ request: { client_key: key.x, role: "api" }, clientId: key.kid, serverNonce: "", endsAtMonotonicMs: 0 }, key, 60).serverNonce;
    };
    const nonces = Array.from({ length: NEXT_CHALLENGES_MAX + 1 }, (_, id) => next(id));
    for (let asked = 0; asked < CHALLENGES_MAX + 1; asked += 1) challenges.issue({ client_key: site.client().nonce(), role: "api", client_nonce: "x".repeat(43) });
    expect(challenges.nextCount).toBe(NEXT_CHALLENGES_MAX);
    expect([0, 1, NEXT_CHALLENGES_MAX].map((id) => challenges.take(`client ${id}`, nonces[id] ?? "") !== undefined)).toEqual([false, true, true]);
  });

  const unusable: readonly (readonly [string, string])[] = [
    ["zero", "A".repeat(43)],
    ["spelled in two ways", `${"A".repeat(42)}B`],
    ["of small order", Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString("base64url")],
  ];
  for (const [what, client_key] of unusable) {
    test(`are not made for a key that is ${what}`, async () => {
      await using site = await TestSite.start();
      expect(() => site.server.challenges.issue({ client_key, role: "api", client_nonce: "A".repeat(43) })).toThrow(/client key cannot be used/);
    });
  }
});
