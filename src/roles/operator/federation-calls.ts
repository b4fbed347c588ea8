/** What the operator on the host may ask for about other sites. */
import { Type } from "typebox";
import { exportBundle, readSiteKey } from "../../federation/own-bundle.ts";
import { exportKeys, importKeys, leadKeys, readKeyStanding } from "../../federation/key-standing.ts";
import { linkPerson } from "../../federation/people.ts";
import { addSite, importBundle, listSites, peekBundle, readSite, removeSite, updateSite } from "../../federation/site-operations.ts";
import type { ShownSite } from "../../federation/sites.ts";
import { operator } from "../../gate/caller.ts";
import { call, type OperatorCall } from "./call.ts";

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 1_024 });
const MaybeText = Type.Union([Text, Type.Null()]);
const BundleText = Type.String({ maxLength: 65_536 });
const Texts = Type.Array(Text);
const Rules = Type.Object({ audiences: Texts, team_ids: Type.Union([Texts, Type.Null()]), role: Text, mapping: Text, sign_in: Type.Boolean(), refresh: Type.Boolean() });
const given = {
  audiences: Type.Optional(Texts),
  team_ids: Type.Optional(Type.Union([Texts, Type.Null()])),
  role: Type.Optional(Text),
  mapping: Type.Optional(Text),
  sign_in: Type.Optional(Type.Boolean()),
  refresh: Type.Optional(Type.Boolean()),
};
const FederationSite = Type.Object({
  id: Text,
  shape: Text,
  site_name: Text,
  issuer: Text,
  api_url: Text,
  fingerprint: Text,
  state: Text,
  sequence: Type.Integer(),
  expires_at: Text,
  imported_at: Text,
  checked_at: MaybeText,
  problem: MaybeText,
  key_ids: Texts,
  revoked_subjects: Type.Integer(),
  rules: Rules,
});
const Named = Type.Object({ id: Text }, closed);

const travelling = (site: ShownSite) => ({
  ...site,
  key_ids: [...site.key_ids],
  rules: { ...site.rules, audiences: [...site.rules.audiences], team_ids: site.rules.team_ids === null ? null : [...site.rules.team_ids] },
});

export const readFederationSiteKey = call(
  "federation_site_key.read",
  { input: Type.Null(), output: Type.Object({ fingerprint: Text, issuer: Text, api_url: Text, site_key: Text }) },
  async ({ gate }) => await readSiteKey(gate, operator, undefined),
);

const KeysText = BundleText;

export const exportFederationKeys = call(
  "federation_keys.export",
  { input: Type.Object({ site_key: BundleText, fingerprint: Type.Optional(Text) }, closed), output: Type.Object({ keys: KeysText, sequence: Type.Integer(), to: Text }) },
  async ({ gate }, input) => await exportKeys(gate, operator, input),
);

export const importFederationKeys = call(
  "federation_keys.import",
  { input: Type.Object({ keys: KeysText, fingerprint: Type.Optional(Text) }, closed), output: Type.Object({ leader: Text, sequence: Type.Integer(), key_ids: Texts }) },
  async ({ gate }, input) => {
    const { leader, sequence, key_ids } = await importKeys(gate, operator, input);
    return { leader, sequence, key_ids: [...key_ids] };
  },
);

export const leadFederationKeys = call("federation_keys.lead", { input: Type.Null(), output: Type.Null() }, async ({ gate }) => {
  await leadKeys(gate, operator, undefined);
  return null;
});

export const readFederationKeys = call(
  "federation_keys.read",
  { input: Type.Null(), output: Type.Object({ standing: Text, state: Text, sequence: Type.Integer(), leader: MaybeText, known_until: MaybeText, imported_at: MaybeText, problem: MaybeText }) },
  async ({ gate }) => await readKeyStanding(gate, operator, undefined),
);

export const exportFederationBundle = call(
  "federation_bundle.export",
  { input: Type.Object({ days: Type.Optional(Type.Integer()) }, closed), output: Type.Object({ bundle: BundleText, fingerprint: Text, sequence: Type.Integer(), expires_at: Text }) },
  async ({ gate }, input) => await exportBundle(gate, operator, input),
);

export const addFederationSite = call(
  "federation_site.add",
  { input: Type.Object({ bundle: BundleText, fingerprint: Text, id: Type.Optional(Text), is_replica: Type.Optional(Type.Boolean()), ...given }, closed), output: FederationSite },
  async ({ gate }, input) => travelling(await addSite(gate, operator, input)),
);

export const importFederationBundle = call(
  "federation_site.import",
  { input: Type.Object({ bundle: BundleText }, closed), output: FederationSite },
  async ({ gate }, input) => travelling(await importBundle(gate, operator, input)),
);

export const peekFederationBundle = call(
  "federation_site.peek",
  { input: Type.Object({ bundle: BundleText }, closed), output: Type.Object({ fingerprint: Text, is_pinned: Type.Boolean() }) },
  async ({ gate }, input) => await peekBundle(gate, operator, input),
);

export const listFederationSites = call("federation_site.list", { input: Type.Null(), output: Type.Object({ sites: Type.Array(FederationSite) }) }, async ({ gate }) => ({
  sites: (await listSites(gate, operator, undefined)).sites.map(travelling),
}));

export const readFederationSite = call("federation_site.read", { input: Named, output: FederationSite }, async ({ gate }, input) => travelling(await readSite(gate, operator, input)));

export const updateFederationSite = call(
  "federation_site.update",
  { input: Type.Object({ id: Text, ...given }, closed), output: FederationSite },
  async ({ gate }, input) => travelling(await updateSite(gate, operator, input)),
);

export const removeFederationSite = call(
  "federation_site.remove",
  { input: Named, output: Type.Object({ id: Text, sessions: Type.Integer(), accounts: Type.Integer() }) },
  async ({ gate }, input) => await removeSite(gate, operator, input),
);

export const linkFederationPerson = call(
  "federation_person.link",
  { input: Type.Object({ site_id: Text, subject: Text, user_id: Text }, closed), output: Type.Null() },
  async ({ gate }, input) => {
    await linkPerson(gate, operator, input);
    return null;
  },
);

export const federationCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [
  readFederationSiteKey,
  exportFederationBundle,
  addFederationSite,
  importFederationBundle,
  peekFederationBundle,
  listFederationSites,
  readFederationSite,
  updateFederationSite,
  removeFederationSite,
  linkFederationPerson,
  exportFederationKeys,
  importFederationKeys,
  leadFederationKeys,
  readFederationKeys,
];
