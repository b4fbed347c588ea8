/** Other sites: for administrators who they are and what their people may do, and for people a token that is good there. */
import { t } from "elysia";
import { answerPull } from "../../federation/key-pull.ts";
import { PULL_PATH, readKeyStanding } from "../../federation/key-standing.ts";
import { BUNDLE_PATH, exportBundle, publishBundle, readSiteKey } from "../../federation/own-bundle.ts";
import { linkPerson } from "../../federation/people.ts";
import { addSite, importBundle, listSites, readSite, removeSite, updateSite } from "../../federation/site-operations.ts";
import { createSiteToken } from "../../federation/site-tokens.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";
import type { Keyring } from "../../oidc/keyring.ts";

/** How long who asks may keep it. */
const BUNDLE_CACHE_SECONDS = 30;
const root = "/api/v1/deployment/federation";
const sites = `${root}/sites`;
const one = `${sites}/:id`;
const params = t.Object({ id: t.String({ maxLength: 64 }) });
const BundleText = t.String({ maxLength: 65_536 });
const Rules = {
  audiences: t.Optional(t.Array(t.String({ maxLength: 500 }), { maxItems: 10 })),
  team_ids: t.Optional(t.Union([t.Array(t.String({ maxLength: 36 }), { maxItems: 100 }), t.Null()])),
  role: t.Optional(t.String({ maxLength: 20 })),
  mapping: t.Optional(t.String({ maxLength: 20 })),
  sign_in: t.Optional(t.Boolean()),
  refresh: t.Optional(t.Boolean()),
};

function addOwnDoors(app: App, gate: Gate): void {
  app.get(`${root}/site-key`, async ({ caller }) => await readSiteKey(gate, caller, undefined), door("federation_site_key.read"));
  app.get(`${root}/keys`, async ({ caller }) => await readKeyStanding(gate, caller, undefined), door("federation_keys.read"));
  app.post(`${root}/bundle`, async ({ caller, body }) => await exportBundle(gate, caller, body), { ...door("federation_bundle.export"), body: t.Object({ days: t.Optional(t.Integer()) }) });
}

function addSiteDoors(app: App, gate: Gate): void {
  app.get(sites, async ({ caller }) => await listSites(gate, caller, undefined), door("federation_site.list"));
  app.post(
    sites,
    async ({ caller, body, set }) => {
      const made = await addSite(gate, caller, body);
      set.status = 201;
      return made;
    },
    {
      ...door("federation_site.add"),
      body: t.Object({ bundle: BundleText, fingerprint: t.String({ maxLength: 100 }), id: t.Optional(t.String({ maxLength: 64 })), is_replica: t.Optional(t.Boolean()), ...Rules }),
    },
  );
  app.post(`${root}/bundles`, async ({ caller, body }) => await importBundle(gate, caller, body), { ...door("federation_site.import"), body: t.Object({ bundle: BundleText }) });
  app.get(one, async ({ caller, params: { id } }) => await readSite(gate, caller, { id }), { ...door("federation_site.read"), params });
  app.patch(one, async ({ caller, params: { id }, body }) => await updateSite(gate, caller, { ...body, id }), { ...door("federation_site.update"), params, body: t.Object(Rules) });
  app.delete(one, async ({ caller, params: { id } }) => await removeSite(gate, caller, { id }), { ...door("federation_site.remove", "none"), params });
  app.post(
    `${one}/people`,
    async ({ caller, params: { id }, body, set }) => {
      await linkPerson(gate, caller, { ...body, site_id: id });
      set.status = 204;
    },
    { ...door("federation_person.link"), params, body: t.Object({ subject: t.String({ maxLength: 100 }), user_id: t.String({ maxLength: 36 }) }) },
  );
}

export function addFederationDoors(app: App, gate: Gate, keyring: Keyring): void {
  addOwnDoors(app, gate);
  addSiteDoors(app, gate);
  app.get(
    BUNDLE_PATH,
    async ({ caller }) => {
      const headers = { ...plainHeaders, "content-type": "application/jose", "cache-control": `public, max-age=${BUNDLE_CACHE_SECONDS}` };
      return new Response((await publishBundle(gate, caller, undefined)).bundle, { headers });
    },
    door("federation_bundle.publish", "none"),
  );
  app.post(PULL_PATH, async ({ caller, body }) => await answerPull(gate, caller, body), { ...door("federation_keys.pull"), body: t.Object({ request: t.String({ maxLength: 4_096 }) }) });
  app.post("/api/v1/auth/site-tokens", async ({ caller, body: { site_id } }) => await createSiteToken(gate, caller, { site_id, keyring }), {
    ...door("federation_token.issue"),
    body: t.Object({ site_id: t.String({ maxLength: 64 }) }),
  });
}
