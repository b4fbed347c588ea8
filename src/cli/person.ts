/**
 * The way of a person to an API server: as the device that this machine is, or signed in for the length of one command.
 *
 * Rule: a profile speaks in the team that it was paired for, so `--team` goes with `--email` alone. What manages ways in,
 * as keys, takes a person who has just signed in and never a key: a stolen key could else make itself outlive its end.
 */
import { Fault } from "../fault.ts";
import { Secret } from "../secret.ts";
import { type Access, callApi, type Call, DEFAULT_API_URL, isId, isInClear, type Members, membersOf, openStream, requireAccess, type StreamCall } from "./api-client.ts";
import type { Context } from "./context.ts";
import { type OptionName, optionOf } from "./options.ts";
import { readCode, readOwnPassword } from "./password.ts";
import { findProfile } from "./profiles.ts";

export interface Person extends AsyncDisposable {
  call(call: Call): Promise<Members>;
  stream(call: StreamCall): Promise<ReadableStream<Uint8Array>>;
}

export interface PersonNeeds {
  /** Whether what is asked for is a team's. */
  readonly inTeam: boolean;
  /** Whether a key is not enough. */
  readonly signedIn?: boolean;
}

const LISTED_TEAMS_MAX = 20;
/** Mean nothing without a sign-in. */
const ofSignIn: readonly OptionName[] = ["team", "passwordFile", "passwordStdin", "codeFile"];

function findTeamOption({ options }: Context): string | undefined {
  const team = options.get("team");
  if (team === undefined || isId(team)) return team;
  throw new Fault("invalid_request", "--team is not the id of a team (a UUID).", { hint: "cyberun teams list shows the ids." });
}

function wayOf(context: Context, access: Access, end: () => Promise<void>): Person {
  return { call: (call) => callApi(context, access, call), stream: (call) => openStream(context, access, call), [Symbol.asyncDispose]: end };
}

/** A device in its own team, or a key from the environment in its. */
function asDevice(context: Context): Person {
  const [stray] = ofSignIn.filter((name) => context.options.has(name));
  if (stray !== undefined) {
    throw new Fault("invalid_request", `${optionOf(stray).flag} goes with --email.`, {
      hint: "A profile speaks in the team that it was paired for. Sign in for this command with --email, or choose another profile.",
    });
  }
  const access = requireAccess(context.config);
  return wayOf(context, access, () => Promise.resolve());
}

/** Where to sign in: the address that was named, else the profile's, else the default. */
function addressOf({ config: { client } }: Context): string {
  return client.apiUrl ?? findProfile(client)?.api_url ?? DEFAULT_API_URL;
}

interface SecondStep {
  readonly token: string;
  readonly methods: readonly unknown[];
}

/** What the refusal of a sign-in says about a second step, if it is one that asks for it. */
function findSecondStep(error: unknown): SecondStep | undefined {
  if (!(error instanceof Fault) || error.code !== "second_factor_required") return undefined;
  const { step_token: token, methods } = membersOf(error.details);
  return typeof token === "string" ? { token, methods: Array.isArray(methods) ? methods : [] } : undefined;
}

/** The answer of a sign-in, after its second step where there is one. */
async function tokensOf(context: Context, access: Access, email_address: string): Promise<Members> {
  const user_password = await readOwnPassword(context);
  const path = "/api/v1/auth/login";
  try {
    return await callApi(context, access, { method: "POST", path, body: { email_address, user_password } });
  } catch (error) {
    const step = findSecondStep(error);
    if (step === undefined) throw error;
    return await callApi(context, access, { method: "POST", path: `${path}/complete`, body: { step_token: step.token, code: await readCode(context, step.methods) } });
  }
}

async function signIn(context: Context, email: string): Promise<Access> {
  const apiUrl = addressOf(context);
  if (isInClear(apiUrl)) context.terminal.err(`The password will travel in clear to ${apiUrl}, unless the way there is protected; use https.\n`);
  const open: Access = { apiUrl, key: undefined, isProfile: false };
  const { access_token: token } = await tokensOf(context, open, email);
  if (typeof token === "string" && /^[!-~]{1,16384}$/.test(token)) return { ...open, key: new Secret(token) };
  throw new Fault("unavailable", `${apiUrl} does not answer as a Cyberun API server.`, { hint: "Check the address." });
}

/** Ends the sign-in. What the command did stands, so a failure is only told. */
async function signOut(context: Context, access: Access): Promise<void> {
  try {
    await callApi(context, access, { method: "POST", path: "/api/v1/auth/logout" });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // A changed or disabled account has ended the session itself.
    if (error.code === "unauthenticated") return;
    context.terminal.err("The sign-in of this command could not be ended; end it among your sessions.\n");
  }
}

/** The only team of the person. Throws Fault `team_required` when there is none, or a choice. */
async function onlyTeam(context: Context, access: Access): Promise<string> {
  const { team_list } = await callApi(context, access, { method: "GET", path: `/api/v1/teams?per_page=${LISTED_TEAMS_MAX}` });
  const ids = (Array.isArray(team_list) ? team_list.map(membersOf) : []).flatMap(({ id }) => (typeof id === "string" && isId(id) ? [id] : []));
  const [first, ...others] = ids;
  if (first === undefined) throw new Fault("team_required", "This person belongs to no team.", { hint: "Make one with cyberun teams create, or have somebody invite you." });
  if (others.length === 0) return first;
  throw new Fault("team_required", "This person belongs to several teams.", { hint: "Name one with --team ID; cyberun teams list --email ADDRESS shows them.", details: { team_ids: ids } });
}

async function asSignedIn(context: Context, email: string, { inTeam }: PersonNeeds): Promise<Person> {
  const named = findTeamOption(context);
  const access = await signIn(context, email);
  const end = () => signOut(context, access);
  try {
    const teamId = named ?? (inTeam ? await onlyTeam(context, access) : undefined);
    const asked: Access = { ...access, teamId };
    return wayOf(context, asked, end);
  } catch (error) {
    await end();
    throw error;
  }
}

/** The way that the flags name. Throws a Fault that says what is in the way. */
export async function openPerson(context: Context, needs: PersonNeeds): Promise<Person> {
  const email = context.options.get("email");
  if (email !== undefined) return await asSignedIn(context, email, needs);
  if (needs.signedIn !== true) return asDevice(context);
  throw new Fault("invalid_request", "Keys are managed by a person who signs in for it, and --email is missing.", {
    hint: "Name who you are with --email ADDRESS; the password is asked for, or comes with --password-file FILE or --password-stdin.",
  });
}

/** A path with its query; what is undefined is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? path : `${path}?${given.toString()}`;
}
