/**
 * The raw loop of a refresh: one keyed digest, one conditional update and one insert in a shared durable commit, and the two
 * signatures of access and ID token. It checks no client, no grant, no person and no time.
 */
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { batched, openRawDatabase } from "./batch.ts";

const [readyFile = "", databaseFile = "", lineages = "1"] = process.argv.slice(2);
const pepper = randomBytes(32);
const digestOf = (text: string) => createHmac("sha256", pepper).update(text).digest("base64url");
const newToken = () => `ort-${randomBytes(32).toString("base64url")}`;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const header = Buffer.from(JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: "a".repeat(43) })).toString("base64url");

const database = openRawDatabase(databaseFile);
database.run("create table tokens (digest text primary key, grant_id text not null, created_at integer not null, used_at integer, successor text)");
const insert = database.prepare("insert into tokens values (?, ?, ?, null, null)");
const take = database.prepare("update tokens set used_at = ?, successor = ? where digest = ? and used_at is null returning grant_id");
const write = batched(database);

const first = Array.from({ length: Number(lineages) }, newToken);
for (const [index, token] of first.entries()) insert.run(digestOf(token), `grant-${index}`, Date.now());

function signed(claims: object): string {
  const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

async function refresh(request: Request): Promise<Response> {
  const token = new URLSearchParams(await request.text()).get("refresh_token") ?? "";
  const next = newToken();
  let grant: unknown;
  await write(() => {
    const [row] = take.values(Date.now(), next, digestOf(token));
    grant = row?.[0];
    if (grant !== undefined) insert.run(digestOf(next), String(grant), Date.now());
  });
  if (grant === undefined) return Response.json({ error: "invalid_grant" }, { status: 400 });
  const issued = Math.floor(Date.now() / 1_000);
  const claims = { iss: "http://127.0.0.1", sub: String(grant), aud: "http://127.0.0.1", exp: issued + 3_600, iat: issued, jti: Bun.randomUUIDv7(), client_id: "bench", scope: "openid" };
  return Response.json({ access_token: signed(claims), token_type: "Bearer", expires_in: 3_600, refresh_token: next, id_token: signed(claims) });
}

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, routes: { "/oauth/token": { POST: refresh } } });
writeFileSync(readyFile, JSON.stringify({ url: server.url.origin, tokens: first }));
