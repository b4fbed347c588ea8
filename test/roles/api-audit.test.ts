/** `/api/v1/audit` on real sockets: who sees what, the filters, and the lines of an export that anybody can check. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addKey, addPerson, addTeam, signIn } from "../support/people.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import type { Role } from "../../src/teams/permissions.ts";
import { createTeam } from "../../src/teams/teams.ts";
import { type Answer, bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let administrator: Shown;
let otherTeam: string;
const persons = new Map<Role, Shown>();

/** The credential of a new person with a role in the other team, who speaks in it. */
async function personOf(role: Role): Promise<Shown> {
  const address = `${role}@example.com`;
  await addPerson(site.gate, { address, teamId: otherTeam, role });
  return { ...bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address))), "x-team-id": otherTeam };
}

beforeAll(async () => {
  site = await startRoles();
  administrator = (await site.credentials()).user;
  otherTeam = await addTeam(site.gate);
  for (const role of ["owner", "admin", "member", "viewer"] as const) persons.set(role, await personOf(role));
  await createTeam(site.gate, site.people.owner, { display_name: "Blue" });
  await addKey(site.gate, { ...site.people.owner }, "integration");
  // Something that happened in the other team, and something that was refused there.
  await site.call("/api/v1/credentials", { as: persons.get("owner") ?? {}, json: { kind: "agent", display_name: "Theirs" } });
  await site.call("/api/v1/credentials", { as: persons.get("viewer") ?? {}, json: { kind: "agent", display_name: "Not theirs" } });
});

afterAll(() => site.close());

function listOf(answer: Answer): readonly Record<string, unknown>[] {
  const list = answer.body["audit_list"];
  if (!Array.isArray(list)) throw new Error(`no list in ${answer.text}`);
  return list;
}

const read = (query: string, as: Shown = administrator) => site.call(`/api/v1/audit${query}`, { as });

describe("who may read", () => {
  test("an administrator reads all of it, newest first, with its page", async () => {
    const answer = await read("?per_page=100");
    const list = listOf(answer);
    expect(answer.status).toBe(200);
    expect(answer.body["page_meta"]).toEqual({ current_page: 1, per_page: 100, total_count: list.length });
    expect(new Set(list.map(({ operation }) => operation))).toContain("administrator.create");
    expect(list.map(({ id }) => id)).toEqual(list.map(({ id }) => String(id)).toSorted().toReversed());
    expect(Object.keys(list[0] ?? {})).toEqual(["id", "created_at", "operation", "outcome", "actor", "team_id", "subject", "address", "details"]);
  });

  test.each(["owner", "admin"] as const)("the %s of a team reads the team's rows and no other", async (role) => {
    const list = listOf(await read("?per_page=100", persons.get(role)));
    expect(list.length).toBeGreaterThan(1);
    expect(new Set(list.map(({ team_id }) => team_id))).toEqual(new Set([otherTeam]));
    expect(list.map(({ operation, outcome }) => `${operation} ${outcome}`)).toContain("credential.create done");
    expect(list.map(({ operation, outcome }) => `${operation} ${outcome}`)).toContain("credential.create refused");
  });

  test.each(["member", "viewer"] as const)("the %s of a team is refused, and that stands in the log", async (role) => {
    const answer = await read("", persons.get(role));
    expect([answer.status, answer.body["error_code"]]).toEqual([403, "forbidden"]);
    expect(answer.text).not.toContain("audit_list");
    expect(listOf(await read("?operation=audit.list&outcome=refused")).length).toBeGreaterThan(0);
  });

  test("a team owner who asks for another team is told that there is none", async () => {
    for (const path of ["", "/export"]) {
      const answer = await site.call(`/api/v1/audit${path}?team_id=${site.people.teamId}`, { as: persons.get("owner") ?? {} });
      expect([answer.status, answer.body["error_code"]]).toEqual([404, "not_found"]);
    }
  });

  test("a person without a team is told to name one", async () => {
    const { "x-team-id": _team, ...without } = persons.get("owner") ?? {};
    expect((await read("", without)).body["error_code"]).toBe("team_required");
  });

  test.each(["device", "integration", "agent"] as const)("no %s key reads it", async (kind) => {
    expect((await read("", (await site.credentials())[kind])).status).toBe(403);
  });

  test("it is read in every state of the license", async () => {
    site.license({ state: "expired" });
    expect((await read("")).status).toBe(200);
    site.license({});
  });
});

describe("filters", () => {
  test.each([
    ["operation=team", (row: Record<string, unknown>) => String(row["operation"]).startsWith("team.")],
    ["operation=team.create", (row: Record<string, unknown>) => row["operation"] === "team.create"],
    ["outcome=refused", (row: Record<string, unknown>) => row["outcome"] === "refused"],
    ["actor=operator", (row: Record<string, unknown>) => row["actor"] === "operator"],
  ])("%s finds those and only those", async (filter, fits) => {
    const all = listOf(await read("?per_page=100"));
    const found = listOf(await read(`?per_page=100&${filter}`));
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(all.filter(fits));
  });

  test("team_id and subject find those of a team and of a thing", async () => {
    expect(new Set(listOf(await read(`?team_id=${otherTeam.toUpperCase()}`)).map(({ team_id }) => team_id))).toEqual(new Set([otherTeam]));
    const [first] = listOf(await read("?operation=team.create"));
    expect(listOf(await read(`?subject=${String(first?.["subject"])}`))).toEqual([first ?? {}]);
  });

  test("from counts its instant in and to leaves it out", async () => {
    const now = new Date(site.world.services.clock.now()).toISOString();
    const all = listOf(await read("?per_page=100"));
    expect(listOf(await read(`?per_page=100&from=${now}`))).toEqual(all);
    expect(listOf(await read(`?per_page=100&to=${now}`))).toEqual([]);
  });

  test.each([
    ["operation=no.such", "operation"],
    ["outcome=maybe", "outcome"],
    ["from=yesterday", "from"],
    ["to=2026-02-30T00:00:00Z%20or%201=1", "to"],
    ["per_page=101", "per_page"],
    ["current_page=0", "current_page"],
    ["actor=%00", "actor"],
    ["unknown=1", "/"],
  ])("%s is refused", async (query, field) => {
    const answer = await read(`?${query}`);
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
    expect(answer.text).toContain(field);
  });
});

/** An export's line as the documentation describes it. */
interface Line {
  readonly [name: string]: string | number | null;
}

describe("export", () => {
  const linesOf = (text: string): readonly Line[] => text.trimEnd().split("\n").map((line): Line => JSON.parse(line));

  test("is a line for each row, chained as documented", async () => {
    const answer = await site.call("/api/v1/audit/export", { as: administrator });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/jsonl; charset=utf-8"]);
    const lines = linesOf(answer.text);
    let chain = "";
    for (const { stream, sequence, id, at, operation, outcome, actor, team_id, subject, address, details, ...rest } of lines) {
      const text = JSON.stringify([stream, sequence, id, at, operation, outcome, actor, team_id, subject, address, details]);
      chain = createHash("sha256").update(`${sequence === 1 ? "" : chain}\n${text}`).digest("base64url");
      expect(rest["chain"]).toBe(chain);
    }
    expect(lines.length).toBeGreaterThan(10);
  });

  test("goes on over many parts without losing or repeating a row", async () => {
    const before = linesOf((await site.call("/api/v1/audit/export", { as: administrator })).text).length;
    for (let number = 0; number < 1_100; number++) await createTeam(site.gate, site.people.owner, { display_name: `Team ${number}` });
    const ids = linesOf((await site.call("/api/v1/audit/export", { as: administrator })).text).map(({ id }) => id);
    expect(ids).toHaveLength(before + 1_100);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("of a team's owner holds the team alone", async () => {
    const lines = linesOf((await site.call("/api/v1/audit/export", { as: persons.get("owner") ?? {} })).text);
    expect(new Set(lines.map(({ team_id }) => team_id))).toEqual(new Set([otherTeam]));
  });

  test("is refused before the first byte where it is not allowed", async () => {
    const answer = await site.call("/api/v1/audit/export", { as: persons.get("member") ?? {} });
    expect([answer.status, answer.body["error_code"]]).toEqual([403, "forbidden"]);
  });

  test("of nothing is empty", async () => {
    const answer = await site.call("/api/v1/audit/export?actor=nobody", { as: administrator });
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });
});
