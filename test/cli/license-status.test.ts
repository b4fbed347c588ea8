import { expect, test } from "bun:test";
import { run } from "../support/command-line.ts";
import { testServices } from "../support/services.ts";

const END = Date.UTC(2026, 0, 31) / 1_000;

function statusOf(state: string, changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const license = { license_id: "l-1", deployment_id: "d-1", template: "enterprise", sequence: 3, not_before: 0, expires_at: END, binding: "any", changed_parts: [] };
  return { state, since: 5, reason: "Because.", hint: "Do this.", license, server: { version: "9" }, problem: null, ...changes };
}

interface Servers {
  readonly [address: string]: () => Response | Promise<Response>;
}

async function ask(servers: Servers, argv: readonly string[] = []) {
  const services = testServices();
  const asked: string[] = [];
  services.replaceFetch(async (url) => {
    asked.push(url);
    const server = servers[new URL(url).origin];
    if (server === undefined) throw new Error("connection refused");
    return await server();
  });
  const addresses = Object.keys(servers).length === 0 ? [] : ["--license-server-addresses", Object.keys(servers).join(",")];
  return { ...(await run(["license", "status", ...addresses, ...argv], { services })), asked };
}

test.each([
  ["ok", 0],
  ["expiring", 0],
  ["expired", 7],
  ["not_yet_valid", 7],
  ["invalid", 7],
  ["revoked", 7],
  ["not_bound", 7],
  ["clock_anomaly", 7],
  ["rollback_suspected", 7],
  ["missing", 7],
  ["a_state_of_a_newer_server", 7],
])("the state %s ends in %d, and is told on standard output", async (state, exit) => {
  const answer = await ask({ "http://a:1": () => Response.json(statusOf(state)) });
  expect(answer).toMatchObject({ exit, err: "" });
  expect(answer.out).toContain(`State        ${state}: Because.\nUntil        2026-01-31 00:00:00 UTC (30 days left)\n`);
  expect(answer.out).toContain("What to do   Do this.\nServer       http://a:1\n");
});

test("as JSON it is the server's own answer with its address", async () => {
  const { out } = await ask({ "http://a:1": () => Response.json(statusOf("expired")) }, ["--json"]);
  expect(JSON.parse(out)).toEqual({ schema_version: 1, ...statusOf("expired"), server_address: "http://a:1" });
});

test("a file that is not in force is told beside the license that is", async () => {
  const problem = { refusal: "bad_signature", message: "The signature is wrong." };
  const { out } = await ask({ "http://a:1": () => Response.json(statusOf("ok", { problem })) });
  expect(out).toContain("not in force (bad_signature): The signature is wrong.");
});

test("without a license there is no end to tell", async () => {
  const { out, exit } = await ask({ "http://a:1": () => Response.json(statusOf("missing", { license: null })) });
  expect([exit, out.includes("Until")]).toEqual([7, false]);
});

test.each<[string, () => Response | Promise<Response>]>([
  ["refuses", () => Promise.reject(new Error("refused"))],
  ["answers 500", () => Response.json(statusOf("ok"), { status: 500 })],
  ["answers something else", () => Response.json({ state: 1 })],
  ["answers no JSON", () => new Response("<html>")],
])("an address that %s is passed over for the next", async (_, first) => {
  const answer = await ask({ "http://a:1": first, "http://b:2": () => Response.json(statusOf("ok")) });
  expect(answer).toMatchObject({ exit: 0, asked: ["http://a:1/v1/status", "http://b:2/v1/status"] });
  expect(answer.out).toContain("Server       http://b:2");
});

test("when nobody answers it ends in 3 with an empty standard output", async () => {
  const answer = await ask({});
  expect(answer).toMatchObject({ exit: 3, out: "", asked: ["http://localhost:9400/v1/status"] });
  expect(answer.err).toContain("No License Server answers at http://localhost:9400.");
});

test.each([
  ["ok", "29", 0],
  ["ok", "30", 10],
  ["expiring", "90", 10],
  ["expired", "90", 7],
  ["ok", "", 2],
  ["ok", "-1", 2],
  ["ok", "1.5", 2],
])("%s, with --warn-days %s, ends in %d: 30 days are left", async (state, days, exit) => {
  expect((await ask({ "http://a:1": () => Response.json(statusOf(state)) }, [`--warn-days=${days}`])).exit).toBe(exit);
});
