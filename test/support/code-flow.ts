/**
 * A client's way to tokens, short: a code straight from a stored request, and the exchange over a real socket.
 *
 *     const flow = await startFlow(site);
 *     const code = await flow.code({ scope: "openid email" });
 *     const { status, body } = await flow.redeem(code);
 */
import type { Caller } from "../../src/gate/caller.ts";
import { continueAuthorization, decideAuthorization } from "../../src/oidc/authorization/interaction.ts";
import { startAuthorization } from "../../src/oidc/authorization/start.ts";
import type { HeldSession } from "../../src/identity/sessions.ts";
import { basic, post } from "./oauth.ts";
import { addClient, type TestClient } from "./oidc-client.ts";
import { anonymous, ownerAddress, signIn } from "./people.ts";
import type { Answer, TestRoles } from "./roles.ts";

export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
export const REDIRECT = "https://app.example/cb";

/** One secret for all: these tests are not about browsers. */
const BROWSER = "b".repeat(43);

export type Parameters = Readonly<Record<string, string>>;

export interface Flow {
  readonly client: TestClient;
  readonly session: HeldSession;
  /** A code for the person who is signed in, who allows everything. */
  code(parameters?: Parameters): Promise<string>;
  /** The answer's parameters, whatever it is. */
  authorize(parameters?: Parameters): Promise<Parameters>;
  /** The same for another client, in the same sign-in. */
  authorizeAs(client: TestClient, parameters?: Parameters): Promise<Parameters>;
  redeem(code: string, changes?: Parameters, headers?: Parameters): Promise<Answer>;
  refresh(token: string, changes?: Parameters, headers?: Parameters): Promise<Answer>;
  /** Tokens for a new code. */
  tokens(parameters?: Parameters): Promise<Readonly<Record<string, unknown>>>;
}

export interface FlowOptions {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly client?: TestClient;
  readonly address?: string;
}

function credentialsOf(client: TestClient): { readonly form: Parameters; readonly headers: Parameters } {
  return client.secret === "" ? { form: { client_id: client.id }, headers: {} } : { form: {}, headers: basic(client) };
}

/** A client and a person who is signed in. */
export async function startFlow(site: TestRoles, { metadata, client: given, address = ownerAddress }: FlowOptions = {}): Promise<Flow> {
  const defaults = { grant_types: ["authorization_code", "refresh_token"], scope: "openid profile email teams offline_access" };
  const client = given ?? (await addClient(site.gate, { ...defaults, ...metadata }));
  const session = await signIn(site.gate, address, "cookie");
  const person: Caller = { kind: "user", userId: session.userId, sessionId: session.sessionId, isAdministrator: false, teamId: undefined };
  const { form, headers: own } = credentialsOf(client);
  const authorizeAs = async ({ id }: TestClient, parameters: Parameters = {}): Promise<Parameters> => {
    const all = { client_id: id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256", ...parameters };
    const started = await startAuthorization(site.gate, anonymous, { text: new URLSearchParams(all).toString(), keyring: site.keyring });
    if (started.kind === "answer") return started.response.parameters;
    const opened = { handle: started.handle, browser: BROWSER };
    const first = await continueAuthorization(site.gate, person, opened);
    const next = first.kind === "consent" ? await decideAuthorization(site.gate, person, { ...opened, decision: "allow", seenBy: session.userId }) : first;
    if (next.kind !== "answer") throw new Error(`the request was not answered, but led to ${next.kind}`);
    return next.response.parameters;
  };
  const authorize = async (parameters?: Parameters) => await authorizeAs(client, parameters);
  const code = async (parameters?: Parameters): Promise<string> => {
    const answer = await authorize(parameters);
    if (answer["code"] === undefined) throw new Error(`no code, but ${JSON.stringify(answer)}`);
    return answer["code"];
  };
  const redeem = async (text: string, changes: Parameters = {}, headers: Parameters = {}): Promise<Answer> =>
    await post(site, "token", { form: { grant_type: "authorization_code", code: text, redirect_uri: REDIRECT, code_verifier: VERIFIER, ...form, ...changes }, headers: { ...own, ...headers } });
  return {
    client,
    session,
    authorize,
    authorizeAs,
    code,
    redeem,
    refresh: async (token, changes = {}, headers = {}) =>
      await post(site, "token", { form: { grant_type: "refresh_token", refresh_token: token, ...form, ...changes }, headers: { ...own, ...headers } }),
    tokens: async (parameters) => (await redeem(await code(parameters))).body,
  };
}
