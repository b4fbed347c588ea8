/** Advisory 35: whether somebody has an account is told by no status, word, length, header or amount of work. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { openBrowser } from "../../support/browser.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { addClient } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";
import { type CountedWork, countWork } from "../../support/work-done.ts";

let site: TestRoles;
let counted: CountedWork;
let disabledAddress: string;

beforeAll(async () => {
  site = await startRoles({ settings: { hasMailServer: true } });
  const grace = await addPerson(site.gate);
  disabledAddress = `${grace.userId}@example.com`;
  const disabled_at = site.gate.services.clock.now();
  await site.gate.store.write(async (writer) => {
    const { users } = writer.tables;
    await writer.update(users).set({ disabled_at }).where(eq(users.id, grace.userId));
  });
  counted = countWork(site.gate);
});
afterAll(async () => {
  counted[Symbol.dispose]();
  await site.close();
});

/** A free name as long as the taken one, so that lengths can be compared. */
const unknown = (known: string) => `z${known.slice(1)}`;
const namelessHeaders = (headers: Headers) => [...headers].filter(([name]) => !["date", "set-cookie", "x-request-id"].includes(name)).toSorted();

interface Seen {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function compare(ask: (address: string) => Promise<Seen>, known: string): Promise<void> {
  // The first of a kind reads what later ones have at hand.
  await ask(unknown(known).replace("z", "y"));
  const first = await counted.of(() => ask(known));
  const second = await counted.of(() => ask(unknown(known)));
  const shown = ({ status, text, headers }: Seen, address: string) => ({ status, text: text.replaceAll(address, "NAME"), length: text.length, headers: namelessHeaders(headers) });
  expect(shown(second.result, unknown(known))).toEqual(shown(first.result, known));
  expect(second.work).toEqual(first.work);
}

const login = (password: string) => (email_address: string) => site.call("/api/v1/auth/login", { json: { email_address, user_password: password } });
const names = { email_address: "", user_password: "nanoseconds of wire", first_name: "Grace", last_name: "Hopper" };

describe("advisory 35: known and unknown names are alike", () => {
  test("at sign-in with a wrong password", async () => {
    await compare(login("a wrong password"), ownerAddress);
  });

  test("at sign-in, the known one being shut, with its right password", async () => {
    await compare(login(PASSWORD), disabledAddress);
  });

  test("at sign-in, until both have to wait", async () => {
    for (let guess = 0; guess < 6; guess += 1) for (const address of [ownerAddress, unknown(ownerAddress)]) await login("a wrong password")(address);
    await compare(login("a wrong password"), ownerAddress);
    site.world.services.clock.advance(86_400_001);
  });

  test("on the issuer's sign-in page", async () => {
    const client = await addClient(site.gate);
    const query = new URLSearchParams({ client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" }).toString();
    const browser = openBrowser(site.urls.issuer);
    await compare(async (email_address) => {
      await browser.open(`${site.urls.issuer}/oauth/authorize?${query}`);
      const { url, ...visit } = await browser.submit("sign-in", { email_address, user_password: "a wrong password" });
      return { ...visit, text: visit.text.replaceAll(/\/interaction\/[0-9A-Za-z]{43}/g, "/interaction/HANDLE") };
    }, ownerAddress);
  });

  test("on the dashboard's sign-in page", async () => {
    await compare((email_address) => site.call("/sign-in", { form: { email_address, user_password: "a wrong password" }, headers: { "sec-fetch-site": "same-origin" } }), ownerAddress);
  });

  test("when a reset is asked for", async () => {
    await compare((email_address) => site.call("/api/v1/auth/password-reset", { json: { email_address } }), ownerAddress);
  });

  test("when a reset is asked for, the known one being shut", async () => {
    await compare((email_address) => site.call("/api/v1/auth/password-reset", { json: { email_address } }), disabledAddress);
  });

  test("at sign-up", async () => {
    await compare((email_address) => site.call("/api/v1/auth/register", { json: { ...names, email_address } }), ownerAddress);
  });

  test("at sign-up, the known one being shut", async () => {
    await compare((email_address) => site.call("/api/v1/auth/register", { json: { ...names, email_address } }), disabledAddress);
  });

  test("when a team invites, with mail and without", async () => {
    const { user } = await site.credentials();
    for (const email of [true, false]) {
      site.license({ features: { global: { email } } });
      const known = `${(await addPerson(site.gate)).userId}@example.com`;
      await compare(async (email_address) => {
        const { text, ...answer } = await site.call("/api/v1/invitations", { as: user, json: { email_address, invitation_role: "viewer" } });
        return { ...answer, text: text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9A-Za-z]{43}/g, "RANDOM") };
      }, known);
    }
    site.license({});
  });

  test("in the refusals of bad input", async () => {
    await compare(login("x".repeat(2_000)), ownerAddress);
    await compare((email_address) => site.call("/api/v1/auth/register", { json: { ...names, user_password: "short", email_address } }), ownerAddress);
  });
});

test("advisory 35: the counter would notice a hash that one of them is spared", async () => {
  const { work } = await counted.of(() => login("a wrong password")(ownerAddress));
  const refusedUnhashed = await counted.of(() => login("")(ownerAddress));
  expect([work.hashes, refusedUnhashed.work.hashes]).toEqual([1, 0]);
});
