/**
 * `/desktop/pair`: the page on which a person pairs a device. Opening it looks nothing up and decides nothing, because
 * anybody can send a link; only forms of the page itself do. That they are is authentication's to see: the cookie of the
 * person counts for nobody else's forms.
 */
import { t } from "elysia";
import { confirmPairing, PAIRING_PAGE, readPairing, refusePairing } from "../../credentials/pairing.ts";
import { findUserCode, shownUserCode } from "../../crypto/user-codes.ts";
import { pairingChoicePage, pairingCodePage, pairingDonePage } from "../../dashboard/device-pages.ts";
import type { Frame } from "../../dashboard/frame.ts";
import { pageResponse } from "../../dashboard/html.ts";
import { pageWordsIn } from "../../dashboard/page-words.ts";
import { goOnPage } from "../../dashboard/sign-in-steps.ts";
import { frameOf } from "../../dashboard/visit-frame.ts";
import { Fault } from "../../fault.ts";
import type { UserCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { readSelf } from "../../identity/users.ts";
import { requireId } from "../../ids.ts";
import { mayDo, roles } from "../../teams/permissions.ts";
import { listTeams } from "../../teams/teams.ts";
import { type Asked, orAgain, refused } from "./forms.ts";
import { towardsSignIn } from "./way-back.ts";

/** A person with more teams than that pairs through the API. */
const TEAMS_SHOWN_MAX = 100;

interface Decision {
  readonly user_code: string;
  readonly decision: "approve" | "refuse";
  readonly team_id?: string | undefined;
  readonly device_name?: string | undefined;
}

/** Only what can be a code is shown again. */
function shownCode(typed: string | undefined): string | undefined {
  const code = typed === undefined ? undefined : findUserCode(typed);
  return code === undefined ? undefined : shownUserCode(code);
}

function addressOf(typed: string | undefined): string {
  const code = shownCode(typed);
  return code === undefined ? PAIRING_PAGE : `${PAIRING_PAGE}?user_code=${code}`;
}

interface Visit {
  readonly gate: Gate;
  readonly person: UserCaller;
  readonly frame: Frame;
}

async function choicePage({ gate, person, frame }: Visit, { user_code, team_id, device_name }: Omit<Decision, "decision">, fault?: Fault): Promise<Response> {
  const pairing = await readPairing(gate, person, { user_code });
  const { display_name } = await readSelf(gate, person, undefined);
  const { team_list } = await listTeams(gate, person, { per_page: TEAMS_SHOWN_MAX });
  const teams = team_list.filter((team) => roles.some((role) => role === team.role && mayDo(role, "pairing.confirm")));
  const page = pairingChoicePage(frame, {
    userCode: shownCode(user_code) ?? "",
    personName: display_name,
    address: pairing.address,
    askedAt: pairing.asked_at,
    teams,
    teamId: team_id,
    deviceName: device_name,
    fault,
  });
  return fault === undefined ? pageResponse(page) : refused(page, fault);
}

/** A refused code is asked for again. */
async function orCodeAgain({ frame }: Visit, typed: string, attempt: () => Promise<Response>): Promise<Response> {
  return await orAgain(attempt, async (fault) => refused(pairingCodePage(frame, { userCode: shownCode(typed), fault }), fault));
}

async function decide(visit: Visit, form: Decision): Promise<Response> {
  const { gate, person, frame } = visit;
  if (form.decision === "refuse") {
    await refusePairing(gate, person, { user_code: form.user_code });
    return pageResponse(pairingDonePage(frame, false));
  }
  const teamId = requireId("team_id", form.team_id ?? "");
  try {
    await confirmPairing(gate, { ...person, teamId }, { user_code: form.user_code, device_name: form.device_name?.trim() });
    return pageResponse(pairingDonePage(frame, true));
  } catch (error) {
    // The name, the cap of agents, the license: the code is still good, and the page can be filled in again.
    if (error instanceof Fault && error.code !== "not_found" && error.code !== "rate_limited") return await choicePage(visit, form, error);
    throw error;
  }
}

interface Typed extends Asked {
  readonly gate: Gate;
  readonly typed: string | undefined;
}

/** Runs `work` for who is signed in; everybody else signs in first and comes back to type the code. */
async function asPerson({ gate, request, caller, typed }: Typed, work: (visit: Visit) => Promise<Response>): Promise<Response> {
  return caller.kind === "user" ? await work({ gate, person: caller, frame: await frameOf(gate, request) }) : towardsSignIn(gate, typed);
}

export function addDevicePages(app: App, gate: Gate): void {
  const CodeText = t.String({ maxLength: 64 });
  app.get(
    PAIRING_PAGE,
    async ({ request, caller, query: { user_code } }) => {
      if (caller.kind !== "user" && request.headers.get("sec-fetch-site") === "cross-site") {
        const frame = await frameOf(gate, request);
        return pageResponse(goOnPage(frame, addressOf(user_code), pageWordsIn(frame.language).oneMoment));
      }
      return await asPerson({ gate, request, caller, typed: user_code }, async ({ frame }) => pageResponse(pairingCodePage(frame, { userCode: shownCode(user_code) })));
    },
    // What else stands in the address is passed over: people copy links from anywhere.
    { ...door("deployment.read", "none"), query: t.Object({ user_code: t.Optional(t.String()) }, { additionalProperties: true }) },
  );
  app.post(
    PAIRING_PAGE,
    async ({ request, caller, body }) =>
      await asPerson({ gate, request, caller, typed: body.user_code }, async (visit) =>
        orCodeAgain(visit, body.user_code, async () => await choicePage(visit, body)),
      ),
    { ...door("deployment.read", "urlencoded"), body: t.Object({ user_code: CodeText }) },
  );
  app.post(
    `${PAIRING_PAGE}/decision`,
    async ({ request, caller, body }) =>
      await asPerson({ gate, request, caller, typed: body.user_code }, async (visit) =>
        orCodeAgain(visit, body.user_code, async () => await decide(visit, body)),
      ),
    {
      ...door("deployment.read", "urlencoded"),
      body: t.Object({
        user_code: CodeText,
        decision: t.Union([t.Literal("approve"), t.Literal("refuse")]),
        team_id: t.Optional(t.String({ maxLength: 64 })),
        device_name: t.Optional(t.String({ maxLength: 1_000 })),
      }),
    },
  );
}
