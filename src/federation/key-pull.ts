/**
 * Asking the leading site for its keys where the two reach each other: a question that the follower's site key signed, and
 * the same sealed file in answer that could have been carried.
 *
 * Rule: only a receiver that the leader's operator once exported to is answered, and the answer opens for nobody else, so
 * that a question which somebody repeats gains nothing.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Type } from "typebox";
import { signJws } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { shapeOf } from "../shape.ts";
import { SITE_SKEW_SECONDS } from "./bundle.ts";
import { readSiteKeyFile, verifyCarried } from "./key-file.ts";
import { findKeyState, keysFor } from "./key-standing.ts";
import { getSelf, openSelf } from "./site-key.ts";
import { siteOf } from "./sites.ts";

const TYP = "cyberun-federation-pull+jws";
const Key32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const questionShape = shapeOf(Type.Object({ format: Type.Literal(1), signing_key: Key32, to: Key32, asked_at: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }));

export interface Pull {
  readonly url: string;
  readonly request: string;
}

/** The question to the leader, when this site follows one that its rules let it look for and it is time to; undefined otherwise. */
export const preparePull = command("federation_keys.prepare_pull", async (act, _input: undefined): Promise<Pull | undefined> => {
  const state = await findKeyState(act.writer);
  if (state?.standing !== "follower" || state.leader_kid === null || state.leader_url === null) return undefined;
  const { federationSites: sites } = act.writer.tables;
  const [row] = await act.writer.select().from(sites).where(and(eq(sites.site_kid, state.leader_kid), isNull(sites.removed_at)));
  const leader = row === undefined ? undefined : siteOf(row);
  const now = act.services.clock.now();
  if (leader?.rules.refresh !== true || (state.checked_at ?? 0) + leader.bundle.refresh_hint_seconds * 1_000 > now) return undefined;
  const own = openSelf(act, await getSelf(act));
  return { url: state.leader_url, request: signJws(TYP, own.signing, { format: 1, signing_key: own.signingX, to: state.leader_kid, asked_at: Math.floor(now / 1_000) }) };
});

function refused(): Fault {
  return new Fault("forbidden", "The request for keys is not one that is answered here.", { hint: "The leading site's operator exports the keys to this site once by file; clocks have to agree within two minutes." });
}

/** Answers a follower. Throws Fault `forbidden` for everybody else. */
export const answerPull = command("federation_keys.pull", async (act, { request }: { readonly request: string }): Promise<{ readonly keys: string }> => {
  const { kid, payload } = verifyCarried(TYP, request);
  const { federationKeyReceivers: receivers } = act.writer.tables;
  const [known] = await act.writer.select().from(receivers).where(eq(receivers.site_kid, kid));
  const own = openSelf(act, await getSelf(act)).signing.kid;
  const now = act.services.clock.now() / 1_000;
  const isGood = questionShape.Check(payload) && payload.to === own && Math.abs(now - payload.asked_at) <= SITE_SKEW_SECONDS;
  if (known === undefined || !isGood || (await findKeyState(act.writer))?.standing !== "leader") throw refused();
  act.note({ subject: `site:${kid}` });
  return { keys: (await keysFor(act, readSiteKeyFile(known.site_key))).keys };
});
