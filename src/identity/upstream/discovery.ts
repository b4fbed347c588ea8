/**
 * What a provider says of itself (OpenID Connect Discovery 1.0), fetched through the guarded dialler and kept for a while.
 *
 * Rule: the document is believed as far as it agrees with what the administrator said: the issuer to the letter, and
 * only signature algorithms that we accept. Keys hang on the kept document and age with it.
 */
import { allowInsecureRequests, type AuthorizationServer, customFetch, type CustomFetchOptions, discoveryRequest, processDiscoveryResponse } from "oauth4webapi";
import { dial, type DialSite } from "../../dialler.ts";
import { Fault } from "../../fault.ts";
import type { Services } from "../../services.ts";
import { createLimiter, type Limiter } from "../limiter.ts";
import { isPlain, type UpstreamProvider } from "../../upstream-provider.ts";

/** Nothing symmetric, and never `none` (RFC 8725 section 3.1). */
const idTokenAlgorithms: readonly string[] = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
/** Where the document names none (OpenID Connect Discovery 1.0 section 3). */
const ALGORITHM_DEFAULT = "RS256";
/** A provider that changes its endpoints keeps the old ones for longer. */
const KEPT_MS = 3_600_000;
/** Far above the providers that there can be. */
const KEPT_MAX = 100;
/** Statuses whose answers have no body (Fetch section 2.2.3). */
const withoutBody: readonly number[] = [204, 205, 304];

/** Something that a provider said and that cannot be, beside what the library finds. */
export class ProviderProblem extends Error {}

interface Kept {
  readonly document: Promise<AuthorizationServer>;
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

const kept = new WeakMap<Services["network"], Map<string, Kept>>();

/** Strangers begin sign-ins: a provider that is slow must not fill this server with requests that wait for it. */
export const ASKED_AT_ONCE_MAX = 50;
export const WAITING_MAX = 200;
const limiters = new WeakMap<Services["network"], Limiter>();

function limiterOf({ services: { network } }: DialSite): Limiter {
  const refusal = () => new Fault("unavailable", "Too many sign-ins wait for providers at the moment.", { hint: "Try again in a while.", retryAfterSeconds: 10 });
  const limiter = limiters.get(network) ?? createLimiter({ runningMax: ASKED_AT_ONCE_MAX, waitingMax: WAITING_MAX, refusal });
  limiters.set(network, limiter);
  return limiter;
}

/** What the library needs to send requests through the dialler. */
export interface Sending {
  readonly [customFetch]: (url: string, options: CustomFetchOptions<"GET" | "POST", URLSearchParams | undefined>) => Promise<Response>;
  readonly [allowInsecureRequests]: boolean;
}

/** Sends the library's requests through the dialler. Plain http is for a provider on this host, which the operator has to allow as well. */
export function sendingTo(site: DialSite, provider: Pick<UpstreamProvider, "issuer">): Sending {
  return {
    [allowInsecureRequests]: isPlain(provider),
    [customFetch]: async (url, { body, headers }) => {
      const answer = await limiterOf(site).run(() => dial(site, { url, headers, ...(body instanceof URLSearchParams ? { body: body.toString() } : {}) }));
      if (answer.status < 200 || answer.status > 599) throw new ProviderProblem(`the status ${answer.status} is no answer`);
      return new Response(withoutBody.includes(answer.status) ? null : answer.body, { status: answer.status, headers: answer.headers });
    },
  };
}

/** The refusal of a provider that cannot be asked; the cause is for the log alone. */
export function unreachableFault({ display_name }: Pick<UpstreamProvider, "display_name">, cause: unknown): Fault {
  return new Fault("unavailable", `${display_name} cannot be asked at the moment.`, {
    hint: "Try again in a while, or sign in with another way. An operator finds the reason in the audit log.",
    cause,
  });
}

function trusted(provider: UpstreamProvider, document: AuthorizationServer): AuthorizationServer {
  if (document.issuer !== provider.issuer) throw new ProviderProblem(`the discovery document is of the issuer ${document.issuer}`);
  const named: readonly unknown[] = document.id_token_signing_alg_values_supported ?? [ALGORITHM_DEFAULT];
  const algorithms = named.filter((name): name is string => typeof name === "string" && idTokenAlgorithms.includes(name));
  return { ...document, id_token_signing_alg_values_supported: algorithms };
}

async function fetched(site: DialSite, provider: UpstreamProvider): Promise<AuthorizationServer> {
  const issuer = new URL(provider.issuer);
  const response = await discoveryRequest(issuer, sendingTo(site, provider));
  return trusted(provider, await processDiscoveryResponse(issuer, response));
}

/** The provider's metadata. Throws Fault `unavailable` when it cannot be had; then nothing is kept. */
export async function discover(site: DialSite, provider: UpstreamProvider): Promise<AuthorizationServer> {
  const { network, clock } = site.services;
  const known = kept.get(network) ?? new Map<string, Kept>();
  kept.set(network, known);
  const nowMs = clock.monotonic();
  const found = known.get(provider.issuer);
  const fresh = found !== undefined && found.untilMs > nowMs ? found : { document: fetched(site, provider), untilMs: nowMs + KEPT_MS };
  if (known.size >= KEPT_MAX) known.clear();
  known.set(provider.issuer, fresh);
  try {
    return await fresh.document;
  } catch (cause) {
    if (known.get(provider.issuer) === fresh) known.delete(provider.issuer);
    throw unreachableFault(provider, cause);
  }
}
