/** The way to a provider: an authorization request (OpenID Connect Core 1.0 section 3.1.2.1) that only this browser can finish. */
import { createHash } from "node:crypto";
import { Fault } from "../../fault.ts";
import { procedure, type ProcedureAct } from "../../gate/operation.ts";
import { type HeldProvider, isPlain } from "../../upstream-provider.ts";
import { discover, ProviderProblem } from "./discovery.ts";
import { codeVerifierOf, insertFlow, nonceOf, type Target } from "./flows.ts";
import { getUsableProvider } from "./providers.ts";
import { refuseFailed } from "./redemption.ts";

/** Where providers send people back to: one address for all, from the configuration and never from a request. */
export const CALLBACK_PATH = "/upstream/callback";

export function callbackOf(issuerUrl: string): string {
  return `${issuerUrl}${CALLBACK_PATH}`;
}

export interface StartInput {
  readonly provider_id: string;
  /** The browser's own secret. */
  readonly browser: string;
  readonly target: Target;
  /** Has the provider ask anew where the client that sent the person insists on it. */
  readonly prompt?: "login" | "select_account" | undefined;
}

/** base64url of SHA-256 (RFC 7636 section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

function endpointOf(provider: HeldProvider, text: string | undefined): URL {
  const url = text === undefined ? null : URL.parse(text);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isPlain(provider))) return url;
  throw new ProviderProblem("the discovery document names no authorization endpoint of the web");
}

/** Where the provider takes authorization requests. */
async function addressOf(act: ProcedureAct, provider: HeldProvider): Promise<URL> {
  try {
    return endpointOf(provider, (await discover(act, provider)).authorization_endpoint);
  } catch (error) {
    return await refuseFailed(act, provider, error);
  }
}

/** Where to send the browser. Throws Fault `not_found` for a provider that may not be used, `unavailable` for one that cannot be asked. */
export const startUpstream = procedure("upstream_sign_in.start", async (act, input: StartInput): Promise<{ readonly authorization_url: string }> => {
  const provider = await act.read((reader) => getUsableProvider(act, reader, { id: input.provider_id }));
  const url = await addressOf(act, provider);
  const { id, issuer, client_id, scope } = provider;
  const state = await act.write(async (commandAct) => {
    await getUsableProvider(commandAct, commandAct.writer, { id, issuer });
    commandAct.note({ subject: `upstream_provider:${id}` });
    return await insertFlow(commandAct, { stage: "sent", providerId: id, issuer, browser: input.browser, target: input.target });
  });
  const parameters = {
    client_id,
    response_type: "code",
    scope,
    redirect_uri: callbackOf(act.settings.issuerUrl),
    state,
    nonce: nonceOf(act, state),
    code_challenge: challengeOf(codeVerifierOf(act, state)),
    code_challenge_method: "S256",
    ...(input.prompt === undefined ? {} : { prompt: input.prompt }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { authorization_url: url.href };
});

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** What the dashboard asked for. Throws Fault `invalid_request` for a challenge that cannot be one. */
export function dashboardTarget(challenge: string | undefined): Target {
  if (challenge === undefined) return { kind: "dashboard" };
  if (CHALLENGE.test(challenge)) return { kind: "dashboard", challenge };
  throw new Fault("invalid_request", "The code_challenge is not a SHA-256 in base64url.", { hint: "Send S256 of a code_verifier (RFC 7636 section 4.2), or leave it out." });
}
