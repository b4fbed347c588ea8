/**
 * `cyberun login`, `logout` and `whoami`: this machine as a device of a person, by pairing.
 *
 * The code and the address to open are shown on standard error at once; what was asked for is printed when it is done.
 */
import { findUserCode, shownUserCode } from "../crypto/user-codes.ts";
import { Fault } from "../fault.ts";
import { Secret } from "../secret.ts";
import { type Access, callApi, DEFAULT_API_URL, isInClear, type Members, membersOf, requireAccess, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { SCHEMA_VERSION } from "./output.ts";
import { pause } from "./pause.ts";
import { dropProfile, findProfile, keepProfile, type Profile, profilePath, requireKeepable } from "./profiles.ts";

/** A server that says less is asked so seldom all the same. */
const INTERVAL_SECONDS_MIN = 1;
const INTERVAL_SECONDS_MAX = 60;
const EXPIRES_SECONDS_MAX = 3_600;

interface Started {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

function bounded(value: unknown, min: number, max: number): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.min(Math.max(value, min), max) : max;
}

/** What a server said that begins a pairing. Throws Fault `unavailable` for anything else. */
function startedOf({ device_code, user_code, verification_uri, expires_in, interval }: Members, apiUrl: string): Started {
  const code = typeof user_code === "string" ? findUserCode(user_code) : undefined;
  const isAddress = typeof verification_uri === "string" && /^https?:\/\/[!-~]{1,500}$/.test(verification_uri);
  if (typeof device_code !== "string" || code === undefined || !isAddress) {
    throw new Fault("unavailable", `${apiUrl} does not answer as a Cyberun API server.`, { hint: "Check the address." });
  }
  return {
    deviceCode: device_code,
    userCode: shownUserCode(code),
    verificationUri: verification_uri,
    expiresInSeconds: bounded(expires_in, 1, EXPIRES_SECONDS_MAX),
    intervalSeconds: bounded(interval, INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX),
  };
}

function announce({ terminal, options }: Context, { userCode, verificationUri, expiresInSeconds }: Started): void {
  if (options.has("json")) {
    terminal.err(`${JSON.stringify({ schema_version: SCHEMA_VERSION, user_code: userCode, verification_uri: verificationUri, expires_in: expiresInSeconds })}\n`);
    return;
  }
  const minutes = Math.ceil(expiresInSeconds / 60);
  terminal.err(`Open this address in a browser and confirm the code, within ${minutes} minutes:\n\n  ${verificationUri}\n\n  Code   ${userCode}\n\n`);
}

function refused(): Fault {
  return new Fault("gone", "The pairing was refused, or nobody confirmed it in time.", { hint: "Run cyberun login again." });
}

/** One question; undefined while there is no answer yet, also because the way to the server is cut for a while. */
async function ask(context: Context, access: Access, { deviceCode }: Started): Promise<Members | undefined> {
  try {
    const answer = await callApi(context, access, { method: "POST", path: "/api/v1/desktop/pair/poll", body: { device_code: deviceCode } });
    return answer["status"] === "approved" ? answer : undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === "not_found") throw refused();
    if (error.code === "unavailable" || error.code === "rate_limited") return undefined;
    throw error;
  }
}

async function pair(context: Context, access: Access): Promise<Profile> {
  const { clock } = context.services;
  const started = startedOf(await callApi(context, access, { method: "POST", path: "/api/v1/desktop/pair/start" }), access.apiUrl);
  announce(context, started);
  const endsAt = clock.monotonic() + started.expiresInSeconds * 1_000;
  while (clock.monotonic() < endsAt) {
    await pause(clock, started.intervalSeconds * 1_000);
    const answer = await ask(context, access, started);
    if (answer === undefined) continue;
    const { raw_key, agent_key } = answer;
    if (typeof raw_key === "string" && typeof agent_key === "string") return { format: 1, api_url: access.apiUrl, raw_key, agent_key };
    throw new Fault("unavailable", `${access.apiUrl} confirmed the pairing without keys.`, { hint: "Check that it is a Cyberun API server." });
  }
  throw refused();
}

/** Ends the key of a profile at its server; false when that could not be reached. A key that was good no more counts as ended. */
async function endKey(context: Context, { api_url, raw_key }: Profile): Promise<boolean> {
  try {
    await callApi(context, { apiUrl: api_url, key: new Secret(raw_key), isProfile: true }, { method: "POST", path: "/api/v1/auth/device/revoke" });
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.code === "unauthenticated";
  }
}

interface Identity {
  readonly data: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

/** Who the key stands for, and which of their devices it is. */
async function identify(context: Context, access: Access): Promise<Identity> {
  const user = await callApi(context, access, { method: "GET", path: "/api/v1/users/me" });
  const { device_list } = await callApi(context, access, { method: "GET", path: "/api/v1/users/me/devices?per_page=100" });
  const devices: readonly unknown[] = Array.isArray(device_list) ? device_list : [];
  const device = devices.map(membersOf).find(({ is_current }) => is_current === true);
  const { profile } = context.config.client;
  const { id, display_name, email_address } = user;
  const shown = device === undefined ? null : { id: device["id"], display_name: device["display_name"], team_id: device["team_id"], team_name: device["team_name"] };
  return {
    data: { api_url: access.apiUrl, profile: access.isProfile ? profile : null, user: { id, display_name, email_address }, device: shown },
    lines: [
      `Person    ${shownText(display_name)} (${shownText(email_address)})`,
      ...(shown === null ? [] : [`Device    ${shownText(shown.display_name)}`, `Team      ${shownText(shown.team_name)} (${shownText(shown.team_id)})`]),
      `Server    ${access.apiUrl}`,
      `Profile   ${access.isProfile ? profile : "none: the key comes from CYBERUN_API_KEY"}`,
    ],
  };
}

/** Signs this machine in as a device of whoever confirms it. */
export async function login(context: Context): Promise<Result> {
  const { client } = context.config;
  const before = findProfile(client);
  const apiUrl = client.apiUrl ?? before?.api_url ?? DEFAULT_API_URL;
  requireKeepable(client);
  if (isInClear(apiUrl)) context.terminal.err(`The keys of this machine will travel in clear to ${apiUrl}, unless the way there is protected; use https.\n`);
  const profile = await pair(context, { apiUrl, key: undefined, isProfile: true });
  keepProfile(client, profile);
  // After the new one is kept, so that a failure on the way leaves the old one.
  if (before !== undefined && !(await endKey(context, before))) {
    context.terminal.err(`The key before could not be ended at ${before.api_url}; end it among your devices there.\n`);
  }
  const { data, lines } = await identify(context, { apiUrl, key: new Secret(profile.raw_key), isProfile: true });
  return { data, text: ["Signed in.", ...lines, `Key       in ${profilePath(client)}`].join("\n") };
}

/** Ends this machine's key, with its agent key, and forgets both. */
export async function logout(context: Context): Promise<Result> {
  const { client } = context.config;
  const profile = findProfile(client);
  if (profile === undefined) return { data: { profile: client.profile, is_signed_out: true }, text: `Nobody is signed in with the profile ${client.profile}.` };
  if (!(await endKey(context, profile))) {
    throw new Fault("unavailable", `The key could not be ended at ${profile.api_url}, and was kept.`, {
      hint: `Try again when the server can be reached. To forget the key without ending it, remove ${profilePath(client)}.`,
    });
  }
  dropProfile(client);
  return { data: { profile: client.profile, is_signed_out: true }, text: "Signed out: the keys of this machine are good no more." };
}

/** Says who is signed in. */
export async function whoami(context: Context): Promise<Result> {
  const { data, lines } = await identify(context, requireAccess(context.config));
  return { data, text: lines.join("\n") };
}
