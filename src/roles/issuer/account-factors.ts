/** `/account/second-factor`, `/account/recovery-codes`, `/account/passkeys`: what people have beside the password. */
import { t } from "elysia";
import { notFound } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { addPasskey, enrolPasskey, listPasskeys, removePasskey } from "../../identity/passkeys/passkeys.ts";
import { confirmSecondFactor, enrolSecondFactor, type ProvenCode, readSecondFactor, removeSecondFactor, renewRecoveryCodes } from "../../identity/second-factors.ts";
import { ACCOUNT, type AccountVisit, atAccount } from "./account-visit.ts";
import { orAgain, redirectTo, respond } from "./page-response.ts";
import { confirmPage, enrolPage, provenPage, recoveryCodesPage } from "./pages/authenticator.ts";
import { beginPasskeyPage, createPasskeyPage, removePasskeyPage } from "./pages/passkeys.ts";

const AUTHENTICATOR = `${ACCOUNT}/second-factor`;
const RECOVERY_CODES = `${ACCOUNT}/recovery-codes`;
const PASSKEYS = `${ACCOUNT}/passkeys`;

const Password = t.Object({ current_password: t.String() });
const Proof = t.Object({ current_password: t.String(), code: t.String({ maxLength: 128 }) });

async function showAuthenticator({ gate, person, frame }: AccountVisit): Promise<Response> {
  const { is_enrolled } = await readSecondFactor(gate, person, undefined);
  return respond(is_enrolled ? provenPage(frame, "remove") : enrolPage(frame));
}

async function begin({ gate, person, frame }: AccountVisit, body: { readonly current_password: string }): Promise<Response> {
  return await orAgain(
    async () => respond(confirmPage(frame, { enrolment: await enrolSecondFactor(gate, person, body) })),
    (fault) => enrolPage(frame, fault),
  );
}

async function confirm({ gate, person, frame }: AccountVisit, body: { readonly code: string }): Promise<Response> {
  return await orAgain(
    async () => respond(recoveryCodesPage(frame, (await confirmSecondFactor(gate, person, body)).recovery_codes)),
    (fault) => confirmPage(frame, { fault }),
  );
}

async function remove({ gate, person, frame }: AccountVisit, body: ProvenCode): Promise<Response> {
  return await orAgain(
    async () => {
      await removeSecondFactor(gate, person, body);
      return redirectTo(ACCOUNT);
    },
    (fault) => provenPage(frame, "remove", fault),
  );
}

async function renew({ gate, person, frame }: AccountVisit, body: ProvenCode): Promise<Response> {
  return await orAgain(
    async () => respond(recoveryCodesPage(frame, (await renewRecoveryCodes(gate, person, body)).recovery_codes)),
    (fault) => provenPage(frame, "renew_codes", fault),
  );
}

function addAuthenticatorDoors(app: App, gate: Gate): void {
  const shown = door("deployment.read", "none");
  const form = door("deployment.read", "urlencoded");
  app.get(AUTHENTICATOR, async (asked) => await atAccount(gate, asked, showAuthenticator), shown);
  app.post(AUTHENTICATOR, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await begin(visit, body)), { ...form, body: Password });
  app.post(`${AUTHENTICATOR}/confirm`, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await confirm(visit, body)), {
    ...form,
    body: t.Object({ code: t.String({ maxLength: 128 }) }),
  });
  app.post(`${AUTHENTICATOR}/remove`, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await remove(visit, body)), { ...form, body: Proof });
  app.get(RECOVERY_CODES, async (asked) => await atAccount(gate, asked, async ({ frame }) => respond(provenPage(frame, "renew_codes"))), shown);
  app.post(RECOVERY_CODES, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await renew(visit, body)), { ...form, body: Proof });
}

async function beginPasskey({ gate, person, frame }: AccountVisit, body: { readonly current_password: string }): Promise<Response> {
  return await orAgain(
    async () => respond(createPasskeyPage(frame, await enrolPasskey(gate, person, body)), { hasPasskeys: true }),
    (fault) => beginPasskeyPage(frame, fault),
  );
}

/** What was made and cannot be added has to be made anew: its question was answered. */
async function add({ gate, person, frame }: AccountVisit, body: { readonly display_name: string; readonly credential: string }): Promise<Response> {
  return await orAgain(
    async () => {
      const { recovery_codes } = await addPasskey(gate, person, body);
      return recovery_codes === null ? redirectTo(ACCOUNT) : respond(recoveryCodesPage(frame, recovery_codes));
    },
    (fault) => beginPasskeyPage(frame, fault),
  );
}

async function nameOf({ gate, person }: AccountVisit, id: string): Promise<string> {
  const { passkey_list } = await listPasskeys(gate, person, undefined);
  const found = passkey_list.find((passkey) => passkey.id === id);
  if (found === undefined) throw notFound();
  return found.display_name;
}

async function removeOne(visit: AccountVisit, id: string, body: { readonly current_password: string }): Promise<Response> {
  const displayName = await nameOf(visit, id);
  return await orAgain(
    async () => {
      await removePasskey(visit.gate, visit.person, { passkey_id: id, ...body });
      return redirectTo(ACCOUNT);
    },
    (fault) => removePasskeyPage(visit.frame, { id, displayName, fault }),
  );
}

function addPasskeyDoors(app: App, gate: Gate): void {
  const shown = door("deployment.read", "none");
  const form = door("deployment.read", "urlencoded");
  const params = t.Object({ passkey_id: t.String({ maxLength: 64 }) });
  app.get(`${PASSKEYS}/new`, async (asked) => await atAccount(gate, asked, async ({ frame }) => respond(beginPasskeyPage(frame))), shown);
  app.post(`${PASSKEYS}/new`, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await beginPasskey(visit, body)), { ...form, body: Password });
  app.post(PASSKEYS, async ({ request, caller, body }) => await atAccount(gate, { request, caller }, async (visit) => await add(visit, body)), {
    ...form,
    body: t.Object({ display_name: t.String(), credential: t.String({ maxLength: 65_536 }) }),
  });
  app.get(
    `${PASSKEYS}/:passkey_id`,
    async ({ request, caller, params: { passkey_id: id } }) =>
      await atAccount(gate, { request, caller }, async (visit) => respond(removePasskeyPage(visit.frame, { id, displayName: await nameOf(visit, id) }))),
    { ...shown, params },
  );
  app.post(
    `${PASSKEYS}/:passkey_id`,
    async ({ request, caller, params: { passkey_id: id }, body }) => await atAccount(gate, { request, caller }, async (visit) => await removeOne(visit, id, body)),
    { ...form, params, body: Password },
  );
}

export function addFactorDoors(app: App, gate: Gate): void {
  addAuthenticatorDoors(app, gate);
  addPasskeyDoors(app, gate);
}
