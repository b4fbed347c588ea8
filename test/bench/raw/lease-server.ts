/**
 * The raw loop of a lease renewal: the same request, the same signatures, the same rows, and nothing that protects them.
 *
 * It parses with JSON.parse, verifies one signature, writes one lease in a shared durable commit, signs the lease and
 * answers. It checks no form, no clock, no sequence, no enrolment and no replay beyond the nonce, keeps the clients'
 * keys imported, and has no framework. It is what the machine can do, not what anybody should run.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { batched, openRawDatabase } from "./batch.ts";

const [readyFile = "", databaseFile = "", licenseFile = ""] = process.argv.slice(2);
const LEASE_SECONDS = 300;
const DAY_CHARACTERS = 10;

const license = readFileSync(licenseFile, "utf8").trim();
const { features, quotas } = JSON.parse(Buffer.from(license.split(".")[1] ?? "", "base64url").toString());

const instance = generateKeyPairSync("ed25519");
const instanceKey = String(instance.publicKey.export({ format: "jwk" }).x);
const thumbprint = (x: string) => createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
const leaseHeader = Buffer.from(JSON.stringify({ alg: "EdDSA", kid: thumbprint(instanceKey), typ: "cyberun-lease+jws" })).toString("base64url");

const database = openRawDatabase(databaseFile);
database.run("create table clients (id text primary key, counter integer not null, last_lease_at integer not null, chain text not null)");
database.run("create table days (id text primary key, client_id text not null, granted integer not null, last_counter integer not null, chain text not null)");
const insertClient = database.prepare("insert into clients values (?, 0, 0, '')");
const updateClient = database.prepare("update clients set counter = counter + 1, last_lease_at = ? where id = ? returning counter, chain");
const chainClient = database.prepare("update clients set chain = ? where id = ?");
const upsertDay = database.prepare(
  "insert into days values (?, ?, 1, ?, ?) on conflict (id) do update set granted = granted + 1, last_counter = excluded.last_counter, chain = excluded.chain",
);
const write = batched(database);

interface Client {
  readonly id: string;
  readonly key: KeyObject;
}

const clients = new Map<string, Client>();
const challenges = new Map<string, string>();

function clientOf(x: string): Client {
  const known = clients.get(x);
  if (known !== undefined) return known;
  const client = { id: thumbprint(x), key: createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }) };
  clients.set(x, client);
  insertClient.run(client.id);
  return client;
}

function challengeFor(clientKey: string): string {
  const nonce = randomBytes(32).toString("base64url");
  challenges.set(nonce, clientKey);
  return nonce;
}

async function challenge(request: Request): Promise<Response> {
  const { client_key } = JSON.parse(await request.text());
  return Response.json({ server_nonce: challengeFor(client_key), instance_key: instanceKey, epoch: 1, expires_in: 30 });
}

function signed(payload: object): string {
  const input = `${leaseHeader}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
  return `${input}.${sign(null, Buffer.from(input), instance.privateKey).toString("base64url")}`;
}

async function lease(request: Request): Promise<Response> {
  const { proof } = JSON.parse(await request.text());
  const [header = "", payload = "", signature = ""] = String(proof).split(".");
  const { role, client_nonce, server_nonce } = JSON.parse(Buffer.from(payload, "base64url").toString());
  const clientKey = challenges.get(server_nonce);
  if (clientKey === undefined || !challenges.delete(server_nonce)) return new Response("no such challenge", { status: 401 });
  const client = clientOf(clientKey);
  if (!verify(null, Buffer.from(`${header}.${payload}`), client.key, Buffer.from(signature, "base64url"))) return new Response("bad signature", { status: 401 });
  const nowMs = Date.now();
  const day = new Date(nowMs).toISOString().slice(0, DAY_CHARACTERS);
  let granted = "";
  await write(() => {
    const [[counter, chain] = []] = updateClient.values(nowMs, client.id);
    const issued_at = Math.floor(nowMs / 1_000);
    granted = signed({
      format: 1, lease_id: Bun.randomUUIDv7(), role, client: client.id, client_nonce, server_nonce, epoch: 1, counter, issued_at,
      expires_at: issued_at + LEASE_SECONDS, state: "ok", since: 0, reason: "", license, activated_at: issued_at, features, quotas,
    });
    const next = createHash("sha256").update(String(chain)).update(granted).digest("base64url");
    chainClient.run(next, client.id);
    upsertDay.run(`${client.id}/${day}`, client.id, Number(counter), next);
  });
  return Response.json({ lease: granted, next: { server_nonce: challengeFor(clientKey), expires_in: LEASE_SECONDS } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  development: false,
  routes: { "/v1/challenges": { POST: challenge }, "/v1/leases": { POST: lease } },
});
writeFileSync(readyFile, JSON.stringify({ url: server.url.origin }));
