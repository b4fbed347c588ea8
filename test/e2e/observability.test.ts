/** What the executable shows to whoever watches it: metrics of every role, the files made for them, and ids of requests. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { root } from "../../build/executables.ts";
import { shapeOf } from "../../src/shape.ts";
import { eventually } from "../support/eventually.ts";
import { start } from "../support/executable.ts";
import { readExposition } from "../support/exposition.ts";

const folder = join(root, "docs", "observability");

/** Names of ours in the expressions of rules and panels, without what a histogram's series have behind theirs. */
function namesIn(expressions: readonly string[]): readonly string[] {
  const found = expressions.flatMap((each) => each.match(/\b(?:cyberun|process)_[a-z0-9_]+/g) ?? []);
  return [...new Set(found.map((name) => name.replace(/_seconds_(?:bucket|sum|count)$/, "_seconds")))].toSorted();
}

const Rules = shapeOf(Type.Object({ groups: Type.Array(Type.Object({ rules: Type.Array(Type.Object({ alert: Type.String({ pattern: "^Cyberun" }), expr: Type.String(), annotations: Type.Object({ summary: Type.String() }) })) })) }));
const Dashboard = shapeOf(Type.Object({ panels: Type.Array(Type.Object({ id: Type.Integer(), targets: Type.Array(Type.Object({ expr: Type.String() })) })) }));

function alertExpressions(): readonly string[] {
  const rules: unknown = Bun.YAML.parse(readFileSync(join(folder, "alerts.yml"), "utf8"));
  if (!Rules.Check(rules)) throw new Error("alerts.yml has another form than rules have");
  return rules.groups.flatMap((group) => group.rules.map((rule) => rule.expr));
}

function panelExpressions(): readonly string[] {
  const dashboard: unknown = JSON.parse(readFileSync(join(folder, "grafana.json"), "utf8"));
  if (!Dashboard.Check(dashboard)) throw new Error("grafana.json has another form than dashboards have");
  expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
  return dashboard.panels.flatMap((panel) => panel.targets.map((target) => target.expr));
}

test("every role's metrics are well formed, the files name none that is not served, and no label grows with what strangers ask for", async () => {
  await using served = await start(["trial"]);
  const { api, issuer, gateway, license } = served.urls;
  for (let number = 0; number < 50; number++) await fetch(`${api}/nothing/${number}`, { method: number % 2 === 0 ? "GET" : "PROPFIND" });
  await fetch(`${issuer}/oauth/token`, { method: "POST", body: new URLSearchParams({ grant_type: "client_credentials", client_id: "nobody", client_secret: "x" }) });
  const names = new Set<string>();
  for (const url of [api, issuer, gateway, license]) {
    const answer = await fetch(`${url}/metrics`);
    expect([url, answer.status]).toEqual([url, 200]);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const families = readExposition(await answer.text());
    for (const [name, { samples }] of families) {
      names.add(name);
      expect([name, samples.size < 200]).toEqual([name, true]);
    }
  }
  const shown = await (await fetch(`${api}/metrics`)).text();
  expect(shown).toContain('cyberun_http_requests_total{role="api",route="unmatched",method="GET",status="4xx"} 25');
  expect(shown).toContain('cyberun_http_requests_total{role="api",route="unmatched",method="other",status="4xx"} 25');
  expect(shown).toMatch(/cyberun_license_quota_limit\{quota="max_users"\} \d+/);
  expect(shown).toMatch(/cyberun_license_quota_used\{quota="max_users"\} 0/);
  expect(await (await fetch(`${issuer}/metrics`)).text()).toMatch(/cyberun_issuer_refusals_total\{error="invalid_[a-z]+"\} 1/);
  // The certificate's are served where there is one; the test of TLS holds them.
  const asked = namesIn([...alertExpressions(), ...panelExpressions()]).filter((name) => !name.startsWith("cyberun_tls_"));
  expect(asked.filter((name) => !names.has(name))).toEqual([]);
  expect(asked.length).toBeGreaterThan(20);
}, 60_000);

test("each request has an id in its answer and in the log; a well-formed one of the caller's is kept, another is not", async () => {
  await using served = await start(["trial", "--log-level", "debug"]);
  const ask = async (path: string, id?: string) => (await fetch(`${served.urls.api}${path}`, { headers: id === undefined ? {} : { "x-request-id": id } })).headers.get("x-request-id");
  expect(await ask("/healthz", "proxy-0001.a")).toBe("proxy-0001.a");
  expect(await ask("/nothing", "proxy-0002.a")).toBe("proxy-0002.a");
  expect(await ask("/style.css", "proxy-0003.a")).toBe("proxy-0003.a");
  for (const bad of ["short", "has space in it", "x".repeat(129), "<script>alert(1)</script>"]) expect(await ask("/healthz", bad)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  const made = String(await ask("/api/v1/users/me"));
  for (const [id, status, route] of [["proxy-0001.a", 200, "/healthz"], ["proxy-0002.a", 404, "unmatched"], [made, 401, "/api/v1/users/me"]] as const) {
    await eventually(() => served.stderr().includes(`"request_id":"${id}"`), `the log names ${id}`);
    const line = served.stderr().split("\n").find((each) => each.includes(`"request_id":"${id}"`)) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({ event: "request.answered", role: "api", method: "GET", status, route });
  }
}, 60_000);
