/** The listener's promises to every role: who is refused when, and what a refusal looks like. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { t } from "elysia";
import { Fault } from "../../src/fault.ts";
import { door } from "../../src/http/door.ts";
import { createApp, listen, type Listener, refuseUnguardedRoutes } from "../../src/http/listener.ts";
import { addProbes } from "../../src/http/probes.ts";
import { createLog } from "../../src/log.ts";
import { realServices } from "../../src/services.ts";

const services = realServices();
const lines: string[] = [];
let listener: Listener;
let notReady: string | undefined = "The store is not open yet.";

function application() {
  return createApp({
    role: "api",
    services,
    log: createLog(services.clock, "debug", (line) => lines.push(line)),
    authenticate: async (request) => {
      const bearer = request.headers.get("authorization");
      if (bearer === null) return { kind: "anonymous" };
      if (bearer === "Bearer operator") return { kind: "operator" };
      throw new Fault("unauthenticated", "The credential is not known.");
    },
    bodyBytesMax: 2_000,
  });
}

beforeAll(() => {
  const app = application();
  addProbes(app, { role: "api", notReady: async () => notReady, metrics: () => [{ name: "up", help: "Up.", type: "gauge", samples: [{ labels: { a: 'x"y' }, value: 1 }] }] });
  app.post("/tokens", ({ body, caller }) => ({ label: body.label, kind: caller.kind }), { ...door("join_token.create"), body: t.Object({ label: t.String({ maxLength: 5 }) }) });
  app.get("/status", () => ({ fine: true, extra: "s3cret-value" }), { ...door("license.read"), response: { 200: t.Object({ fine: t.Boolean() }) } });
  app.get("/bug", () => { throw new Error("database host db7 refused"); }, door("license.read"));
  app.get("/late", () => { throw new Fault("rate_limited", "Too many.", { retryAfterSeconds: 7 }); }, door("license.read"));
  listener = listen(app, { hostname: "127.0.0.1", port: 0 }, services);
});

afterAll(() => listener.stop());

async function call(path: string, init: RequestInit = {}) {
  const response = await fetch(`${listener.url}${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, code: text.startsWith("{") ? JSON.parse(text).error_code : undefined };
}

const json = { "content-type": "application/json" };
const known = { ...json, authorization: "Bearer operator" };

const refusals: readonly [string, string, RequestInit, number, string | undefined][] = [
  ["a stranger with a broken body learns only that a credential is missing", "/tokens", { method: "POST", body: "{bad", headers: json }, 401, "unauthenticated"],
  ["a stranger with invalid input learns only that a credential is missing", "/tokens", { method: "POST", body: "{}", headers: json }, 401, "unauthenticated"],
  ["a bad credential is refused even where none is needed", "/status", { headers: { authorization: "Bearer no" } }, 401, "unauthenticated"],
  ["a known caller's broken body is a clear 400", "/tokens", { method: "POST", body: "{bad", headers: known }, 400, "invalid_request"],
  ["a known caller's unknown field is refused", "/tokens", { method: "POST", body: '{"label":"a","x":1}', headers: known }, 400, "invalid_request"],
  ["a known caller's missing field is refused", "/tokens", { method: "POST", body: "{}", headers: known }, 400, "invalid_request"],
  ["an empty body is refused", "/tokens", { method: "POST", headers: known }, 400, "invalid_request"],
  ["a body of another type is refused", "/tokens", { method: "POST", body: "label=a", headers: { ...known, "content-type": "text/plain" } }, 400, "invalid_request"],
  ["a body beyond the limit is refused", "/tokens", { method: "POST", body: "x".repeat(3_000), headers: known }, 413, "too_large"],
  ["a body far beyond the limit is cut by the runtime", "/tokens", { method: "POST", body: new ReadableStream({ start: (stream) => { stream.enqueue(new Uint8Array(20_000)); stream.close(); } }), headers: known }, 413, undefined],
  ["an unknown address is a 404", "/nothing", {}, 404, "not_found"],
  ["another method is a 405", "/tokens", {}, 405, "method_not_allowed"],
  ["a trailing slash is another address", "/status/", {}, 404, "not_found"],
  ["a bug is a 500", "/bug", {}, 500, "internal"],
  ["an answer that breaks its own schema is a 500", "/status", {}, 500, "internal"],
];

for (const [name, path, init, status, code] of refusals) {
  test(name, async () => {
    const answer = await call(path, init);
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
  });
}

test("a bug shows an id that the log has, and nothing of its text", async () => {
  const answer = await call("/bug");
  const id: string = JSON.parse(answer.text).details.request_id;
  expect(answer.text).not.toContain("database host");
  expect(lines.some((line) => line.includes(id) && line.includes("database host"))).toBe(true);
});

test("an answer that breaks its own schema leaks nothing of it", async () => {
  expect((await call("/status")).text).not.toContain("s3cret");
});

test("invalid input is told by field, without the value that was sent", async () => {
  const answer = await call("/tokens", { method: "POST", body: '{"label":"hunter2-too-long"}', headers: known });
  expect(JSON.parse(answer.text).details.fields[0].field).toBe("/label");
  expect(answer.text).not.toContain("hunter2");
});

test("a known caller with good input is served", async () => {
  expect(JSON.parse((await call("/tokens", { method: "POST", body: '{"label":"a"}', headers: known })).text)).toEqual({ label: "a", kind: "operator" });
});

test("a 401 names the scheme, a 405 the methods and a 429 the wait", async () => {
  expect((await call("/tokens", { method: "POST" })).headers.get("www-authenticate")).toContain("Bearer");
  expect((await call("/tokens")).headers.get("allow")).toBe("POST");
  expect((await call("/late")).headers.get("retry-after")).toBe("7");
});

test("good and refused answers alike forbid caching, sniffing and framing", async () => {
  for (const path of ["/healthz", "/nothing", "/bug"]) {
    const { headers } = await call(path);
    expect([headers.get("cache-control"), headers.get("x-content-type-options"), headers.get("x-frame-options")]).toEqual(["no-store", "nosniff", "DENY"]);
  }
});

test("a host name of three letters is served like any other", async () => {
  expect((await call("/healthz", { headers: { host: "api" } })).status).toBe(200);
});

test("a role is ready only when it can serve, and alive before that", async () => {
  expect((await call("/healthz")).status).toBe(200);
  expect((await call("/readyz")).status).toBe(503);
  notReady = undefined;
  expect((await call("/readyz")).status).toBe(200);
});

test("metrics are Prometheus text with escaped labels", async () => {
  const { text, headers } = await call("/metrics");
  expect(headers.get("content-type")).toContain("text/plain");
  expect(text).toBe('# HELP up Up.\n# TYPE up gauge\nup{a="x\\"y"} 1\n');
});

test("a route without an operation that is not on the public list cannot be served", () => {
  const app = application();
  app.get("/open", () => "open");
  expect(() => refuseUnguardedRoutes(app)).toThrow("GET /open");
});

test("a port that is taken is a clear fault", () => {
  const port = Number(new URL(listener.url).port);
  expect(() => listen(application(), { hostname: "127.0.0.1", port }, services)).toThrow(`Port ${port} on 127.0.0.1 cannot be opened: another program uses it.`);
});
