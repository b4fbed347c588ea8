/**
 * Who calls the API server: an access token, a key, or the dashboard's cookie.
 *
 * Rule: a credential that was sent and is not good is refused, whatever the door; a cookie counts as the person only
 * for requests that this very site sent, because browsers attach it to everybody's.
 */
import { findCallerByKey } from "../../credentials/authentication.ts";
import type { LastUses } from "../../credentials/last-use.ts";
import { Fault } from "../../fault.ts";
import type { UserCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { findBearer } from "../../http/bearer.ts";
import type { Authenticate } from "../../http/listener.ts";
import { isSameSite } from "../../http/same-site.ts";
import { findUserByCookie, type RequestFacts } from "../../identity/authentication.ts";
import { findVisitor } from "../../federation/visits.ts";
import { findUserByAccessToken, type PresentedToken } from "../../oidc/access-tokens.ts";
import type { Keyring } from "../../oidc/keyring.ts";
import { readCookie } from "./cookie.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const key = /^[a-z]k-/;
const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

function refused(): Fault {
  return new Fault("unauthenticated", "The credential is not good: unknown, expired, revoked or signed out.", {
    hint: "Sign in again, or make a new key.",
  });
}

/** `X-Team-ID` in the form of an id; whether the person belongs to the team is each operation's to check. */
function teamIdOf(request: Request): string | undefined {
  const teamId = request.headers.get("x-team-id");
  if (teamId === null) return undefined;
  if (uuid.test(teamId)) return teamId.toLowerCase();
  throw new Fault("invalid_request", "X-Team-ID is not a UUID.", { hint: "GET /api/v1/teams lists the ids of your teams." });
}

function bearerOf(header: string): string {
  const token = findBearer(header);
  if (token !== undefined) return token;
  throw new Fault("unauthenticated", "The Authorization header is not of the form Bearer TOKEN.", {
    hint: "Send Authorization: Bearer followed by an access token or a key.",
  });
}

async function byCookie(gate: Gate, request: Request, facts: RequestFacts): Promise<UserCaller | undefined> {
  const cookie = readCookie(request, gate.settings.publicUrl);
  const person = cookie === undefined ? undefined : await findUserByCookie(gate, cookie, facts);
  if (person === undefined || safeMethods.has(request.method) || isSameSite(request, gate.settings.publicUrl)) return person;
  throw new Fault("forbidden", "The request was sent by another site.", { hint: "Use the dashboard's own pages, or an access token." });
}

/** A token of this site's own, or of a site that is pinned here. */
async function byToken(gate: Gate, keyring: Keyring, presented: PresentedToken): Promise<UserCaller | undefined> {
  return (await findUserByAccessToken(gate, keyring, presented)) ?? (await findVisitor(gate, keyring, presented));
}

/** The person behind an access token or the cookie; undefined when no credential was sent. */
async function findPerson(gate: Gate, keyring: Keyring, { request, token, address }: Presented): Promise<UserCaller | undefined> {
  const facts: RequestFacts = { teamId: undefined, address };
  const person = token === undefined ? await byCookie(gate, request, facts) : await byToken(gate, keyring, { token, ...facts });
  // After the credential is found good, so that a stranger is told of nothing but the missing credential.
  return person === undefined ? undefined : { ...person, teamId: teamIdOf(request) };
}

/** What a request brings along. */
interface Presented {
  readonly request: Request;
  readonly token: string | undefined;
  readonly address: string | undefined;
}

/** Authentication of the API server over `gate`. */
export function apiAuthenticate(gate: Gate, keyring: Keyring, uses: LastUses): Authenticate {
  return async (request, address) => {
    const header = request.headers.get("authorization");
    const token = header === null ? undefined : bearerOf(header);
    // A key names its team itself; X-Team-ID beside it is ignored, as documented.
    const isKey = token !== undefined && key.test(token);
    const caller = isKey ? await findCallerByKey(gate, token, address) : await findPerson(gate, keyring, { request, token, address });
    if (caller !== undefined && "credentialId" in caller) uses.note(caller.credentialId);
    if (caller !== undefined) return caller;
    if (token !== undefined) throw refused();
    return { kind: "anonymous", address };
  };
}
