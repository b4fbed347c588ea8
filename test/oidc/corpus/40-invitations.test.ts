/** Advisory 40: an invitation is to one team, for one address, with one role, until one moment, once; its token says none of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { issueAccessToken } from "../../../src/oidc/access-tokens.ts";
import { createTeam } from "../../../src/teams/teams.ts";
import { addPerson, signIn } from "../../support/people.ts";
import { type Answer, bearer, type Shown, startRoles, type TestRoles } from "../../support/roles.ts";

const LIFE_SECONDS = 3_600;
const names = { first_name: "Grace", last_name: "Hopper", user_password: "nanoseconds of wire" };
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

let site: TestRoles;
let owner: Shown;
/** The owner's other team. */
let otherTeam: string;
let count = 0;

beforeAll(async () => {
  site = await startRoles({ settings: { invitationSeconds: LIFE_SECONDS, accessTokenSeconds: 86_400 } });
  owner = (await site.credentials()).user;
  otherTeam = (await createTeam(site.gate, site.people.owner, { display_name: "Other" })).id;
});
afterAll(() => site.close());

interface Invited {
  readonly address: string;
  readonly token: string;
  readonly as: Shown;
}

/** Somebody with an account and an invitation as viewer. */
async function invited(): Promise<Invited> {
  const address = `forty${(count += 1)}@example.com`;
  await addPerson(site.gate, { address });
  const as = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
  const { body } = await site.call("/api/v1/invitations", { as: owner, json: { email_address: address, invitation_role: "viewer" } });
  return { address, token: String(body["invitation_token"]), as };
}

const accept = async (as: Shown, json: object): Promise<Answer> => await site.call("/api/v1/invitations/accept", { as, json });
const signUp = async (json: object): Promise<Answer> => await site.call("/api/v1/invitations/sign-up", { json });
const roleIn = async (as: Shown, teamId: string) => (await site.call("/api/v1/teams/current", { as: { ...as, "x-team-id": teamId } })).body["role"];

describe("advisory 40: a token is whole or nothing:", () => {
  const altered: readonly (readonly [string, (token: string) => string])[] = [
    ...Array.from({ length: 43 }, (_each, at) => [`sign ${at} is another`, (token: string) => `${token.slice(0, at)}${alphabet[(alphabet.indexOf(token.charAt(at)) + 1) % 62] ?? ""}${token.slice(at + 1)}`] as const),
    ["the first sign is missing", (token) => token.slice(1)],
    ["the last sign is missing", (token) => token.slice(0, -1)],
    ["one sign more", (token) => `${token}0`],
    ["a blank behind it", (token) => `${token} `],
    ["in capitals", (token) => token.toUpperCase()],
    ["twice", (token) => token.repeat(2).slice(0, 128)],
    ["empty", () => ""],
    ["a pattern", () => "%"],
    ["a condition", () => "' or 1=1 --"],
  ];
  test("none of many alterations opens anything, by any answer", async () => {
    const { token, as } = await invited();
    for (const [name, alter] of altered) {
      const invitation_token = alter(token);
      const answers = [await accept(as, { invitation_token }), await signUp({ ...names, invitation_token }), await site.call("/api/v1/invitations/decline", { json: { invitation_token } })];
      expect([name, ...answers.map(({ status }) => status)]).toEqual([name, 410, 410, 410]);
    }
    expect((await accept(as, { invitation_token: token })).status).toBe(200);
  });
});

describe("advisory 40: what the request says beside the token changes nothing:", () => {
  const claims: readonly (readonly [string, object])[] = [
    ["another team", { team_id: "00000000-0000-7000-8000-00000000000f" }],
    ["another organisation", { organization_id: "00000000-0000-7000-8000-00000000000f" }],
    ["another role", { invitation_role: "admin" }],
    ["ownership", { role: "owner" }],
    ["another address", { email_address: "mallory@example.com" }],
    ["a later end", { expires_at: "2099-01-01T00:00:00Z" }],
    ["another person", { user_id: "00000000-0000-7000-8000-00000000000f" }],
    ["a proven address", { email_verified: true }],
  ];
  test.each(claims)("%s", async (_name, claim) => {
    const { token, as } = await invited();
    expect((await accept(as, { invitation_token: token, ...claim })).status).toBe(400);
    expect((await signUp({ ...names, invitation_token: token, ...claim })).status).toBe(400);
    expect((await accept(as, { invitation_token: token })).body).toEqual({ team_id: site.people.teamId, role: "viewer" });
  });

  test("the team of the header", async () => {
    const { token, as } = await invited();
    expect((await accept({ ...as, "x-team-id": otherTeam }, { invitation_token: token })).body["team_id"]).toBe(site.people.teamId);
    expect([await roleIn(as, site.people.teamId), await roleIn(as, otherTeam)]).toEqual(["viewer", undefined]);
  });

  test("an address in the path or the query: tokens are taken from bodies alone", async () => {
    const { token, as } = await invited();
    expect((await site.call(`/api/v1/invitations/accept?invitation_token=${token}`, { as, json: {} })).status).toBe(400);
    expect((await site.call(`/api/v1/invitations/${token}`, { as: owner, method: "DELETE" })).status).toBe(400);
    expect(await roleIn(as, site.people.teamId)).toBeUndefined();
  });
});

describe("advisory 40: whose, when and how often:", () => {
  test("another account is refused, also an administrator's, and the invited one still gets in", async () => {
    const [mine, other] = [await invited(), await invited()];
    expect([(await accept(other.as, { invitation_token: mine.token })).status, (await accept(owner, { invitation_token: mine.token })).status]).toEqual([403, 403]);
    expect((await accept(mine.as, { invitation_token: mine.token })).status).toBe(200);
    expect(await roleIn(other.as, site.people.teamId)).toBeUndefined();
  });

  test.each(["forty.one@example.com.evil.example", "forty.one@example.co", "forty.one+x@example.com"])("an address that only resembles it, %s, is another account", async (address) => {
    const { body } = await site.call("/api/v1/invitations", { as: owner, json: { email_address: "forty.one@example.com", invitation_role: "viewer" } });
    await addPerson(site.gate, { address });
    const as = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address)));
    expect((await accept(as, { invitation_token: body["invitation_token"] })).status).toBe(403);
    expect((await site.call(`/api/v1/invitations/${String(body["id"])}`, { as: owner, method: "DELETE" })).status).toBe(204);
  });

  test("once, also side by side", async () => {
    const { token, as } = await invited();
    const statuses = (await Promise.all(Array.from({ length: 10 }, () => accept(as, { invitation_token: token })))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 9 }, () => 410)]);
    expect((await accept(as, { invitation_token: token })).status).toBe(410);
  });

  test("not after it was taken back, declined", async () => {
    const [cancelled, declined] = [await invited(), await invited()];
    const { body } = await site.call("/api/v1/invitations?per_page=100", { as: owner });
    const listed: unknown = body["invitation_list"];
    const found: unknown = Array.isArray(listed) ? listed.find((each: { readonly email_address: string }) => each.email_address === cancelled.address) : undefined;
    expect((await site.call(`/api/v1/invitations/${String(Object(found).id)}`, { as: owner, method: "DELETE" })).status).toBe(204);
    expect((await site.call("/api/v1/invitations/decline", { json: { invitation_token: declined.token } })).status).toBe(200);
    for (const { as, token } of [cancelled, declined]) expect((await accept(as, { invitation_token: token })).status).toBe(410);
  });

  test("not a moment after its end", async () => {
    const [early, late] = [await invited(), await invited()];
    site.world.services.clock.advance(LIFE_SECONDS * 1_000 - 1);
    expect((await accept(early.as, { invitation_token: early.token })).status).toBe(200);
    site.world.services.clock.advance(1);
    expect((await accept(late.as, { invitation_token: late.token })).status).toBe(410);
  });
});
