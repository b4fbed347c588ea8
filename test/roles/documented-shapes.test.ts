/** The documentation's scripts against the running API: each call in its order, each documented member in its place. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { type DocumentedCall, documentedCalls } from "../support/documented-shapes.ts";
import { addPerson, ownerAddress, PASSWORD, signIn } from "../support/people.ts";
import { bearer, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

type Values = Readonly<Record<string, unknown>>;

let site: TestRoles;
const callers = new Map<DocumentedCall["as"], Shown>();
const answered = new Map<string, Values>();

async function personToken(address: string, teamId: string): Promise<Shown> {
  return { ...bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, address))), "x-team-id": teamId };
}

beforeAll(async () => {
  site = await startRoles();
  const { teamId } = site.people;
  const member = await addPerson(site.gate, { address: "member@example.com", teamId });
  callers.set("nobody", {});
  callers.set("owner", await personToken(ownerAddress, teamId));
  callers.set("member", await personToken("member@example.com", teamId));
  answered.set("owner", { email: ownerAddress, password: PASSWORD });
  answered.set("member", { id: member.userId });
});
afterAll(() => site.close());

/** `$name.member` in its place. */
function filled(text: string): string {
  return text.replace(/\$([a-z]+)\.([a-z_]+)/g, (_all, name: string, member: string) => String(answered.get(name)?.[member] ?? "nothing was answered"));
}

/** What stands at `page_meta.per_page` or `credentials[].id`; of a list its first item. */
function memberAt(value: unknown, path: string): { readonly isThere: boolean; readonly value: unknown } {
  let at: unknown = value;
  for (const step of path.split(".")) {
    const name = step.replace("[]", "");
    if (typeof at !== "object" || at === null || !(name in at)) return { isThere: false, value: undefined };
    at = new Map<string, unknown>(Object.entries(at)).get(name);
    if (step.endsWith("[]")) at = Array.isArray(at) ? at[0] : undefined;
  }
  return { isThere: true, value: at };
}

test.each(documentedCalls.map((call) => [`${call.name}: ${call.method} ${call.path}`, call] as const))("%s", async (_name, { name, method, path, as, request, status, members, values = {} }) => {
  const shown = as === "device" ? bearer(String(answered.get("approved")?.["raw_key"])) : (callers.get(as) ?? {});
  const json = request === undefined ? {} : { json: JSON.parse(filled(JSON.stringify(request))) };
  const answer = await site.call(`/api/v1${filled(path)}`, { as: shown, method, ...json });
  answered.set(name, answer.body);
  expect([answer.status, answer.text.length > 0]).toEqual([status, members.length > 0]);
  expect(members.filter((member) => !memberAt(answer.body, member).isThere)).toEqual([]);
  expect(Object.fromEntries(Object.keys(values).map((member) => [member, memberAt(answer.body, member).value]))).toEqual({ ...values });
});
