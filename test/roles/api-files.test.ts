/** `/r/files`: announced, sent through a link, fetched through a link, over real sockets. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { eq } from "drizzle-orm";
import { sweepFiles } from "../../src/files/files.ts";
import { LINK_SECONDS } from "../../src/files/links.ts";
import { DiskShelf } from "../../src/files/disk-shelf.ts";
import { system } from "../../src/gate/caller.ts";
import { deleteTeam } from "../../src/across/team-deletion.ts";
import { addKey, addPerson, addTeam } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let as: Shown;
beforeAll(async () => {
  site = await startRoles();
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
});
afterAll(() => site.close());

const DAY = 86_400_000;
const bytes = new Uint8Array(300_000).map((_, index) => index * 31);
const root = () => join(site.world.database.dataDir, "files");
const incoming = () => (existsSync(join(root(), "incoming")) ? readdirSync(join(root(), "incoming")) : []);

interface Presigned {
  readonly file_key: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function presign(changes: object = {}, who = as): Promise<Presigned> {
  const { status, body } = await site.call("/api/v1/r/files/presign", { as: who, json: { file_name: "input image.png", file_size: bytes.length, content_type: "image/png", ...changes } });
  expect(status).toBe(200);
  return { file_key: String(body["file_key"]), url: String(body["upload_url"]), headers: JSON.parse(JSON.stringify(body["upload_headers"])) };
}

/** Sends the bytes as a program does that knows nothing but the link. */
async function put({ url, headers }: Pick<Presigned, "url" | "headers">, body: Uint8Array = bytes) {
  const response = await fetch(url, { method: "PUT", headers, body });
  const text = await response.text();
  return { status: response.status, code: text === "" ? undefined : JSON.parse(text)["error_code"] };
}

async function download(file_key: string, who = as) {
  const { status, body } = await site.call("/api/v1/r/files/presign-download", { as: who, json: { file_key } });
  return { status, url: String(body["download_url"]), expires_at: body["expires_at"] };
}

test("a file goes in by its link and comes out by another, byte for byte, with its name and its sum", async () => {
  const presigned = await presign();
  expect(presigned.file_key).toMatch(new RegExp(`^inputs/${site.people.teamId}/[0-9a-f-]{36}/input-image\\.png$`));
  expect(presigned.headers).toEqual({ "Content-Length": "300000", "Content-Type": "image/png", "If-None-Match": "*" });
  expect(await put(presigned)).toEqual({ status: 204, code: undefined });
  const { status, url } = await download(presigned.file_key);
  expect(status).toBe(200);
  const response = await fetch(url);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  const sum = new Bun.CryptoHasher("sha256").update(bytes).digest("base64");
  expect([response.headers.get("content-type"), response.headers.get("repr-digest"), response.headers.get("x-content-type-options")]).toEqual(["image/png", `sha-256=:${sum}:`, "nosniff"]);
  expect(response.headers.get("content-disposition")).toBe("attachment; filename=\"input image.png\"; filename*=UTF-8''input%20image.png");
  expect(response.headers.get("content-security-policy")).toContain("sandbox");
  const [folder = ""] = readdirSync(join(root(), "stored"));
  const [name = ""] = readdirSync(join(root(), "stored", folder));
  expect(statSync(join(root(), "stored", folder, name)).mode & 0o077).toBe(0);
});

test("a file is sent once, however many send it at the same time", async () => {
  const presigned = await presign();
  const answers = await Promise.all(Array.from({ length: 8 }, () => put(presigned)));
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  expect(answers.filter(({ status, code }) => status === 412 && code === "precondition_failed")).toHaveLength(7);
  expect((await put(presigned)).status).toBe(412);
  expect(incoming()).toEqual([]);
});

describe("a body that is not what was announced is refused with 403 and leaves nothing", () => {
  const changes: readonly (readonly [string, (presigned: Presigned) => Parameters<typeof put>])[] = [
    ["shorter", ({ url, headers }) => [{ url, headers: { ...headers, "Content-Length": "299999" } }, bytes.slice(1)]],
    ["longer", ({ url, headers }) => [{ url, headers: { ...headers, "Content-Length": "300001" } }, new Uint8Array(300_001)]],
    ["another type", ({ url, headers }) => [{ url, headers: { ...headers, "Content-Type": "text/html" } }]],
    ["without If-None-Match", ({ url, headers: { "If-None-Match": _left, ...headers } }) => [{ url, headers }]],
    ["with another If-None-Match", ({ url, headers }) => [{ url, headers: { ...headers, "If-None-Match": '"a"' } }]],
  ];
  test.each(changes)("%s", async (_name, change) => {
    const presigned = await presign();
    expect(await put(...change(presigned))).toEqual({ status: 403, code: "forbidden" });
    expect(incoming()).toEqual([]);
    expect((await download(presigned.file_key)).status).toBe(404);
    expect((await put(presigned)).status).toBe(204);
  });
});

describe("a link", () => {
  const altered: readonly (readonly [string, (url: URL) => void])[] = [
    ["with another file", (url) => (url.pathname = url.pathname.replace(/[0-9a-f]{4}(?=\/content)/, "0000"))],
    ["that lives longer", (url) => url.searchParams.set("expires", String(Number(url.searchParams.get("expires")) + 1))],
    ["with another signature", (url) => url.searchParams.set("signature", "A".repeat(43))],
    ["with an empty signature", (url) => url.searchParams.set("signature", "")],
    ["with a letter for a number", (url) => url.searchParams.set("expires", "9999999999x")],
  ];
  test.each(altered)("%s is refused", async (_name, change) => {
    const presigned = await presign();
    const url = new URL(presigned.url);
    change(url);
    expect(await put({ ...presigned, url: url.href })).toEqual({ status: 403, code: "forbidden" });
  });

  test("to send does not fetch, and one to fetch does not send", async () => {
    const presigned = await presign();
    expect((await fetch(presigned.url)).status).toBe(403);
    await put(presigned);
    const { url } = await download(presigned.file_key);
    expect((await put({ ...presigned, url })).status).toBe(403);
  });

  test("ends after an hour", async () => {
    const presigned = await presign();
    await put(presigned);
    const { url } = await download(presigned.file_key);
    site.world.services.clock.advance((LINK_SECONDS + 1) * 1_000);
    expect((await fetch(url)).status).toBe(403);
    expect((await download(presigned.file_key)).status).toBe(200);
  });
});

test("another team's file is a missing one", async () => {
  const other = await addTeam(site.gate);
  const stranger = await addPerson(site.gate, { teamId: other, role: "owner" });
  const theirs = bearer((await addKey(site.gate, stranger, "integration")).rawKey);
  const presigned = await presign();
  await put(presigned);
  const answers = await Promise.all([download(presigned.file_key, theirs), download(`inputs/${other}/x/y`, theirs)]);
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
});

const bad: readonly (readonly [string, object, number])[] = [
  ["no name", { file_name: "" }, 400],
  ["a name with a slash", { file_name: "../../etc/passwd" }, 400],
  ["a name with a line end", { file_name: "a\nb" }, 400],
  ["a name that is too long", { file_name: "x".repeat(256) }, 400],
  ["half a byte", { file_size: 1.5 }, 400],
  ["less than nothing", { file_size: -1 }, 400],
  ["more than a file may have", { file_size: 500_000_001 }, 413],
  ["a type that is none", { content_type: "image" }, 400],
  ["a type with a line end", { content_type: "image/png\r\nx: y" }, 400],
];
test.each(bad)("%s is refused", async (_name, change, status) => {
  const answer = await site.call("/api/v1/r/files/presign", { as, json: { file_name: "a.png", file_size: 1, content_type: "image/png", ...change } });
  expect(answer.status).toBe(status);
});

test("names keep their look for people and lose it in the key", async () => {
  const { file_key } = await presign({ file_name: "Ünï cöde (1) 图.png", file_size: 3 });
  expect(file_key.split("/").at(-1)).toMatch(/^[A-Za-z0-9._-]+\.png$/);
  const dots = await presign({ file_name: "...", file_size: 3 });
  expect(dots.file_key.split("/").at(-1)).toBe("file");
});

test("a body that does not say how long it is, and a large one at another door, are refused", async () => {
  const presigned = await presign();
  const { "Content-Length": _left, ...headers } = presigned.headers;
  const stream = new ReadableStream({ start: (controller) => (controller.enqueue(bytes), controller.close()) });
  const response = await fetch(presigned.url, { method: "PUT", headers, body: stream });
  expect([response.status, JSON.parse(await response.text())["error_code"]]).toEqual([411, "length_required"]);
  const elsewhere = await fetch(`${site.urls.api}/api/v1/teams`, { method: "POST", headers: { ...as, "content-type": "application/json" }, body: new Uint8Array(3_000_000) });
  expect(elsewhere.status).toBe(413);
});

test("an empty file is a file", async () => {
  const presigned = await presign({ file_size: 0 });
  expect(await put(presigned, new Uint8Array())).toEqual({ status: 204, code: undefined });
  const response = await fetch((await download(presigned.file_key)).url);
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
});

test("an upload whose file was forgotten meanwhile is told so", async () => {
  const presigned = await presign();
  const id = presigned.file_key.split("/")[2] ?? "";
  const { store } = site.gate;
  const write = store.write.bind(store);
  using wrote = spyOn(store, "write").mockImplementation(async (command) => {
    wrote.mockRestore();
    await write(async (writer) => void (await writer.delete(writer.tables.files).where(eq(writer.tables.files.id, id))));
    return await write(command);
  });
  expect(await put(presigned)).toEqual({ status: 404, code: "not_found" });
});

test("files are forgotten after their day, uploads that never came after two hours, and bytes of a team that is gone", async () => {
  const stored = await presign();
  await put(stored);
  const waiting = await presign();
  const teamId = await addTeam(site.gate, "Leaving");
  const leaving = await addPerson(site.gate, { teamId, role: "owner" });
  const theirs = bearer((await addKey(site.gate, leaving, "integration")).rawKey);
  const gone = await presign({}, theirs);
  await put(gone);
  await deleteTeam(site.gate, leaving, undefined);
  const shelf = new DiskShelf(root(), site.gate.services.random);
  const idOf = ({ file_key }: Presigned) => file_key.split("/")[2] ?? "";
  for (let folder = 0; folder < 256; folder++) {
    await sweepFiles(site.gate, system, { shelf });
    site.world.services.clock.advance(60_000);
  }
  expect([shelf.has(idOf(stored)), shelf.has(idOf(gone))]).toEqual([true, false]);
  const rows = await site.world.store.read(async (reader) => (await reader.select().from(reader.tables.files)).map(({ id }) => id));
  expect([rows.includes(idOf(stored)), rows.includes(idOf(waiting))]).toEqual([true, false]);
  site.world.services.clock.advance(DAY);
  await sweepFiles(site.gate, system, { shelf });
  expect(shelf.has(idOf(stored))).toBe(false);
}, 60_000);

test("an upload that arrives while the sweep looks is kept: what was acknowledged is not forgotten", async () => {
  as = bearer((await addKey(site.gate, site.people.owner, "integration")).rawKey);
  const presigned = await presign();
  const { store } = site.gate;
  const read = store.read.bind(store);
  site.world.services.clock.advance(2 * LINK_SECONDS * 1_000);
  const id = presigned.file_key.split("/")[2] ?? "";
  const shelf = new DiskShelf(root(), site.gate.services.random);
  using looked = spyOn(store, "read").mockImplementation(async (query) => {
    const answer = await read(query);
    // Between the look and what follows from it the last bytes of a slow upload arrive.
    await store.write(async (writer) => {
      const { files } = writer.tables;
      await writer.update(files).set({ status: "stored" }).where(eq(files.id, id));
    });
    return answer;
  });
  expect(await sweepFiles(site.gate, system, { shelf })).toBe(0);
  looked.mockRestore();
  const rows = await store.read(async (reader) => (await reader.select().from(reader.tables.files)).map((row) => row.id));
  expect(rows).toContain(id);
});
