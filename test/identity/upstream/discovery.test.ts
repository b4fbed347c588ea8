/** Requests to providers: so many at once, discovery once for all who wait for it, and nothing kept that failed. */
import { expect, test } from "bun:test";
import { customFetch } from "oauth4webapi";
import { findDialAllowance } from "../../../src/dialler.ts";
import { ASKED_AT_ONCE_MAX, discover, sendingTo, WAITING_MAX } from "../../../src/identity/upstream/discovery.ts";
import type { Exchanged } from "../../../src/network.ts";
import { defaultSettings } from "../../../src/settings.ts";
import { readProvider } from "../../../src/upstream-provider.ts";
import { codeOf } from "../../support/refusal.ts";
import { testServices } from "../../support/services.ts";

const provider = readProvider("peer", { issuer: "http://127.0.0.1:9", client_id: "x" });
const allowance = findDialAllowance("127.0.0.1");
const settings = { ...defaultSettings, dialAllow: allowance === undefined ? [] : [allowance] };

function answerOf(document: unknown): Exchanged {
  return { status: 200, headers: new Headers({ "content-type": "application/json" }), body: new TextEncoder().encode(JSON.stringify(document)) };
}

/** A network whose answers come when `release` is called; until then everybody waits. */
function heldNetwork(document: unknown) {
  const services = testServices();
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  services.replaceNetwork({
    async exchange() {
      asked += 1;
      await gate.promise;
      return answerOf(document);
    },
  });
  return { site: { services, settings }, release: () => gate.resolve(), asked: () => asked };
}

const good = { issuer: "http://127.0.0.1:9", authorization_endpoint: "http://127.0.0.1:9/authorize" };

test("so many requests are under way at once, so many wait, and the next is refused at once", async () => {
  const { site, release, asked } = heldNetwork(good);
  const ask = () => sendingTo(site, provider)[customFetch]("http://127.0.0.1:9/token", { method: "GET", headers: {}, body: undefined, redirect: "manual" });
  const under = Array.from({ length: ASKED_AT_ONCE_MAX + WAITING_MAX }, ask);
  expect(await codeOf(ask())).toBe("unavailable");
  expect(asked()).toBeLessThanOrEqual(ASKED_AT_ONCE_MAX);
  release();
  expect((await Promise.all(under)).map(({ status }) => status)).toEqual(under.map(() => 200));
  expect([asked(), (await ask()).status]).toEqual([ASKED_AT_ONCE_MAX + WAITING_MAX, 200]);
});

test("a hundred sign-ins at the same moment ask for the document once", async () => {
  const { site, release, asked } = heldNetwork(good);
  const all = Array.from({ length: 100 }, () => discover(site, provider));
  release();
  expect((await Promise.all(all)).map(({ issuer }) => issuer)).toEqual(all.map(() => "http://127.0.0.1:9"));
  expect(asked()).toBe(1);
});

test("a document that is refused is asked for again the next time", async () => {
  const { site, release, asked } = heldNetwork({ ...good, issuer: "http://127.0.0.1:10" });
  release();
  expect([await codeOf(discover(site, provider)), await codeOf(discover(site, provider)), asked()]).toEqual(["unavailable", "unavailable", 2]);
});

test("only algorithms that are accepted here are left of what the document names", async () => {
  const named = ["none", "HS256", "HS512", "ES256", "RS256", "EdDSA", "RSA1_5", 7, null];
  const { site, release } = heldNetwork({ ...good, id_token_signing_alg_values_supported: named });
  release();
  expect((await discover(site, provider)).id_token_signing_alg_values_supported).toEqual(["ES256", "RS256", "EdDSA"]);
});
