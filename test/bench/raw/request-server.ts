/**
 * The raw loop of requests: a key check against SQLite and a JSON answer, and two documents that never change.
 *
 *     GET /workflows    HMAC of the bearer key, two prepared look-ups, JSON
 *     GET /static       one prepared Response
 */
import { createHmac, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { openRawDatabase } from "./batch.ts";

const [readyFile = "", databaseFile = "", key = "", document = "{}"] = process.argv.slice(2);
const pepper = randomBytes(32);
const digest = (text: string) => createHmac("sha256", pepper).update(text).digest("base64url");

const database = openRawDatabase(databaseFile);
database.run("create table credentials (id text primary key, team_id text not null, digest text not null unique, expires_at integer, revoked_at integer)");
database.run("create table workflows (id text primary key, team_id text not null, display_name text not null)");
database.run("create index workflows_team on workflows (team_id)");
database.prepare("insert into credentials values ('credential', 'team', ?, null, null)").run(digest(key));
const findCredential = database.prepare("select id, team_id, expires_at, revoked_at from credentials where digest = ?");
const listWorkflows = database.prepare("select id, display_name from workflows where team_id = ? order by id limit 21");

const BEARER = "Bearer ".length;

function workflows(request: Request): Response {
  const bearer = request.headers.get("authorization") ?? "";
  const [credential] = findCredential.values(digest(bearer.slice(BEARER)));
  if (credential === undefined || credential[3] !== null) return new Response("no such key", { status: 401 });
  const rows = listWorkflows.values(String(credential[1]));
  return Response.json({ items: rows.map(([id, display_name]) => ({ id, display_name })), page_meta: { total_count: rows.length } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  development: false,
  routes: { "/workflows": workflows, "/static": new Response(document, { headers: { "content-type": "application/json" } }) },
});
writeFileSync(readyFile, JSON.stringify({ url: server.url.origin }));
