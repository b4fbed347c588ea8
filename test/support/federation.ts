/**
 * Sites of a federation in one test: each with its own store, keys, sockets and clock, that know each other by bundles alone.
 *
 *     await using circle = await openCircle(["a", "b"]);
 *     await trust(circle.b, circle.a, { mapping: "create" });
 *     const token = await tokenFor(circle.a, person, "b");
 */
import { sign } from "node:crypto";
import { exportBundle } from "../../src/federation/own-bundle.ts";
import type { RulesInput } from "../../src/federation/rules.ts";
import { addSite } from "../../src/federation/site-operations.ts";
import type { ShownSite } from "../../src/federation/sites.ts";
import { createSiteToken } from "../../src/federation/site-tokens.ts";
import { operator, type UserCaller } from "../../src/gate/caller.ts";
import type { Keyring } from "../../src/oidc/keyring.ts";
import { prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { system } from "../../src/gate/caller.ts";
import { addPerson, signIn } from "./people.ts";
import { type RolesOptions, startRoles, type TestRoles } from "./roles.ts";

/** Opens a site whose signing key is there. */
export async function openSite(options: RolesOptions = {}): Promise<TestRoles> {
  const site = await startRoles(options);
  await prepareSigningKey(site.gate, system, undefined);
  return site;
}

/** The bundle that a site's operator exports. */
export async function bundleOf(site: TestRoles, days?: number): Promise<{ readonly bundle: string; readonly fingerprint: string; readonly sequence: number }> {
  return await exportBundle(site.gate, operator, { days });
}

/** `here` pins `there`. */
export async function trust(here: TestRoles, there: TestRoles, { id, is_replica, ...rules }: RulesInput & { readonly id: string; readonly is_replica?: boolean }): Promise<ShownSite> {
  const { bundle, fingerprint } = await bundleOf(there);
  return await addSite(here.gate, operator, { bundle, fingerprint, id, is_replica, ...rules });
}

/** A person of the site, signed in there. */
export async function personAt(site: TestRoles, address: string): Promise<UserCaller> {
  const person = await addPerson(site.gate, { address });
  const { sessionId } = await signIn(site.gate, address);
  return { ...person, sessionId };
}

/** A token of `home` for the site that is called `id` there. */
export async function tokenFor(home: TestRoles, person: UserCaller, id: string): Promise<string> {
  return (await createSiteToken(home.gate, person, { site_id: id, keyring: home.keyring })).access_token;
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

/** The claims of a token or the payload of a bundle. */
export function payloadOf(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString());
}

export function headerOf(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text.split(".")[0] ?? "", "base64url").toString());
}

/** A token with the right signature of the key ring's key over whatever the test wants said. */
export async function signedBy(keyring: Keyring, claims: unknown, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { privateKey, kid } = await keyring.getSigningKey();
  const input = `${encode({ alg: "ES256", typ: "at+jwt", kid, ...header })}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
