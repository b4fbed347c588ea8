/** Files in an S3-compatible store: the same doors, links and refusals, with the bytes in a stand-in that verifies signatures. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { sweepFiles } from "../../src/files/files.ts";
import { S3Shelf } from "../../src/files/s3-shelf.ts";
import { system } from "../../src/gate/caller.ts";
import { Secret } from "../../src/secret.ts";
import { addKey } from "../support/people.ts";
import { refusalOf } from "../support/refusal.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";
import { ACCESS_KEY_ID, BUCKET, s3Store, SECRET, type S3Store } from "../support/s3.ts";

const DAY = 86_400_000;
const bytes = new Uint8Array(300_000).map((_, index) => index * 31);
const large = new Uint8Array(20_000_000).map((_, index) => (index * 7) >> 3);
const sumOf = (some: Uint8Array) => createHash("sha256").update(some).digest("hex");

let store: S3Store;
let site: TestRoles;
let shelf: S3Shelf;
let as: Shown;

async function open(secret = SECRET): Promise<void> {
  site = await startRoles({
    shelfOver: (spool, { services }) => (shelf = new S3Shelf({ endpoint: store.url, bucket: BUCKET, region: "eu-west-1", accessKeyId: ACCESS_KEY_ID, secret: new Secret(secret) }, { services, spool })),
  });
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
}

beforeEach(async () => {
  store = s3Store();
  await open();
});
afterEach(async () => {
  await site.close();
  store[Symbol.dispose]();
});

const spooled = () => {
  const folder = join(site.world.database.dataDir, "files", "incoming");
  return existsSync(folder) ? readdirSync(folder) : [];
};

async function presign(size: number) {
  const { body } = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "a.bin", file_size: size, content_type: "application/octet-stream" } });
  const headers: Record<string, string> = JSON.parse(JSON.stringify(body["upload_headers"]));
  return { file_key: String(body["file_key"]), url: String(body["upload_url"]), headers, id: String(body["file_key"]).split("/")[2] ?? "" };
}

async function put({ url, headers }: Awaited<ReturnType<typeof presign>>, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(url, { method: "PUT", headers, body });
  const text = await response.text();
  return [response.status, text === "" ? "" : JSON.parse(text)["error_code"]];
}

async function fetched(file_key: string): Promise<Response> {
  const { body } = await site.call("/api/v1/r/files/presign-download", { as, json: { file_key } });
  return await fetch(String(body["download_url"]));
}

test.each([
  ["small", bytes],
  ["in parts", large],
  ["empty", new Uint8Array()],
])("a file that is %s goes in and comes out byte for byte, and nothing of it stays on this host", async (_name, some) => {
  const presigned = await presign(some.length);
  expect(await put(presigned, some)).toEqual([204, ""]);
  expect(store.keys()).toEqual([`stored/${presigned.id.slice(-2)}/${presigned.id}/${sumOf(some)}`]);
  const response = await fetched(presigned.file_key);
  expect([response.status, response.headers.get("repr-digest")]).toEqual([200, `sha-256=:${Buffer.from(sumOf(some), "hex").toString("base64")}:`]);
  expect(sumOf(new Uint8Array(await response.arrayBuffer()))).toBe(sumOf(some));
  expect(spooled()).toEqual([]);
  expect(await put(presigned, some)).toEqual([412, "precondition_failed"]);
  expect(store.refused).toEqual([]);
});

test("of two uploads of one file with other bytes one counts, and the row says which", async () => {
  const presigned = await presign(bytes.length);
  const other = bytes.toReversed();
  const answers = await Promise.all([put(presigned, bytes), put(presigned, other)]);
  expect(answers.map(([status]) => status).toSorted()).toEqual([204, 412]);
  const won = answers[0]?.[0] === 204 ? bytes : other;
  expect(sumOf(new Uint8Array(await (await fetched(presigned.file_key)).arrayBuffer()))).toBe(sumOf(won));
});

test("bytes of another size are refused before anything reaches the store", async () => {
  const presigned = await presign(bytes.length);
  const headers = { ...presigned.headers, "Content-Length": "10" };
  expect(await put({ ...presigned, headers }, bytes.subarray(0, 10))).toEqual([403, "forbidden"]);
  expect([store.keys(), spooled()]).toEqual([[], []]);
});

test("a store that does not answer is a 503 in either direction, and nothing is half there", async () => {
  const presigned = await presign(bytes.length);
  const stored = await presign(bytes.length);
  expect(await put(stored, bytes)).toEqual([204, ""]);
  store.isDown = true;
  expect(await put(presigned, bytes)).toEqual([503, "unavailable"]);
  expect((await fetched(stored.file_key)).status).toBe(503);
  expect(spooled()).toEqual([]);
  store.isDown = false;
  expect(await put(presigned, bytes)).toEqual([204, ""]);
  expect((await fetched(stored.file_key)).status).toBe(200);
});

test("a wrong secret is said by name, and shows itself nowhere", async () => {
  await shelf.check();
  await site.close();
  await open("not-the-secret");
  const refusal = await refusalOf(shelf.check());
  expect(refusal).toMatchObject({ code: "unavailable", message: "The object store cannot be used: SignatureDoesNotMatch." });
  const { status, text } = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "a", file_size: 1, content_type: "text/plain" } });
  expect(status).toBe(200);
  expect(await put({ ...(await presign(bytes.length)) }, bytes)).toEqual([503, "unavailable"]);
  expect([text, ...site.logged].join("")).not.toContain("not-the-secret");
});

test("objects go with their files, and those that no row knows after some hours", async () => {
  const stored = await presign(bytes.length);
  await put(stored, bytes);
  const lost = `stored/00/00000000-0000-4000-8000-000000000000/${sumOf(bytes)}`;
  const strange = "stored/00/something-else";
  for (const key of [lost, strange]) store.put(key, bytes);
  const { clock } = site.world.services;
  // The objects are of the real time, and old by the site's.
  clock.stepWall(Date.now() + 7 * 3_600_000 - clock.now());
  for (let folder = 0; folder < 256; folder++) {
    await sweepFiles(site.gate, system, { shelf });
    clock.advance(60_000);
  }
  const mine = store.keys().filter((key) => key.includes(stored.id));
  expect(store.keys()).toEqual([strange, ...mine].toSorted());
  clock.advance(2 * DAY);
  await sweepFiles(site.gate, system, { shelf });
  expect(store.keys()).toEqual([strange]);
}, 60_000);
