/**
 * A real OpenID provider on a socket of its own, as an upstream: another implementation, by other people.
 *
 *     await using peer = await startPeer(`${site.urls.issuer}/upstream/callback`);
 *     peer.person = { sub: "u-1", email: "ada@example.com", email_verified: true };
 *     const callback = await peer.signIn(authorizationUrl);
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { openBrowser } from "./browser.ts";

export const PEER_CLIENT = { id: "cyberun", secret: "a-secret-of-the-peer-that-is-long-enough" } as const;

/** Claims of whoever signs in at the peer next. */
export interface PeerPerson {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

export interface Peer extends AsyncDisposable {
  readonly issuer: string;
  person: PeerPerson;
  /** Signs in at the peer as {@link person} and allows everything; gives the address that the peer sends the browser to. */
  signIn(authorizationUrl: string): Promise<string>;
}

async function configurationOf(redirectUri: string, claimsOf: (id: string) => PeerPerson): Promise<Readonly<Record<string, unknown>>> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return {
    clients: [{ client_id: PEER_CLIENT.id, client_secret: PEER_CLIENT.secret, redirect_uris: [redirectUri], response_types: ["code"], grant_types: ["authorization_code"] }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: "peer" }] },
    cookies: { keys: ["only for tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name", "name"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => Promise.resolve(claimsOf(id)) }),
  };
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse, accountId: string): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") return await provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false });
  const grant = new provider.Grant({ accountId: session?.accountId ?? accountId, clientId: PEER_CLIENT.id });
  grant.addOIDCScope(String(params["scope"]));
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

/** Starts a provider that knows one client, whose answers go to `redirectUri`. */
export async function startPeer(redirectUri: string): Promise<Peer> {
  const people = new Map<string, PeerPerson>();
  const state: { person: PeerPerson; answer: (request: IncomingMessage, response: ServerResponse) => void } = { person: { sub: "nobody" }, answer: () => {} };
  const server = createServer((request, response) => state.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the peer has no port");
  const issuer = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(issuer, await configurationOf(redirectUri, (id) => people.get(id) ?? { sub: id }));
  const usual = provider.callback();
  state.answer = (request, response) => {
    if (request.url?.startsWith("/interaction/") !== true) return usual(request, response);
    people.set(state.person.sub, state.person);
    interact(provider, request, response, state.person.sub).catch((error: unknown) => response.writeHead(500).end(String(error)));
  };
  return {
    issuer,
    get person() {
      return state.person;
    },
    set person(person) {
      state.person = person;
    },
    async signIn(authorizationUrl) {
      const { location, text, status } = await openBrowser(issuer).open(authorizationUrl);
      if (location === undefined) throw new Error(`the peer answered ${status}: ${text.slice(0, 500)}`);
      return location.href;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
