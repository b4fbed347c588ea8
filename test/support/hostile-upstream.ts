/**
 * An upstream provider of our own that can be made to lie, one thing at a time; without a lie it is a good one.
 *
 *     using hostile = await startHostile();
 *     hostile.lie = { claims: (claims) => ({ ...claims, nonce: "another" }) };
 *     const callback = hostile.answer(authorizationUrl);
 */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

type Members = Readonly<Record<string, unknown>>;
type Parameters = Readonly<Record<string, string>>;

export interface Lie {
  /** What the callback says. */
  readonly callback?: (parameters: Parameters) => Parameters;
  /** What the ID token says; undefined takes a claim away. */
  readonly claims?: (claims: Members) => Members;
  /** The whole ID token. */
  readonly idToken?: (claims: Members) => Promise<string> | string;
  readonly token?: (usual: Response) => Response | Promise<Response>;
  readonly userinfo?: (claims: Members) => Response;
  readonly jwks?: () => Response;
}

export interface HostileOptions {
  /** RFC 9207 section 3. */
  readonly advertisesIss?: boolean;
  /** Changes to the discovery document. */
  readonly discovery?: (document: Members) => Members;
}

export interface Hostile extends Disposable {
  readonly issuer: string;
  lie: Lie;
  /** Whom it vouches for. */
  person: Members;
  /** Paths that were asked, in order. */
  readonly asked: string[];
  /** Signs with its key, or another of its kind. */
  sign(claims: Members, options?: { readonly withOtherKey?: boolean; readonly alg?: string }): Promise<string>;
  /** The good answer to an authorization request, as the address of the callback, but for the lie. */
  answer(authorizationUrl: string): string;
}

function present(members: Members): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function unsigned(header: Members, claims: Members): string {
  const part = (members: Members) => Buffer.from(JSON.stringify(present(members))).toString("base64url");
  return `${part(header)}.${part(claims)}`;
}

/** A token with alg none (RFC 8725 section 2.1). */
export function unsecuredToken(claims: Members): string {
  return `${unsigned({ alg: "none" }, claims)}.`;
}

/** HS256 with whatever everybody knows as the secret. */
export function symmetricToken(claims: Members, secret: string): string {
  const text = unsigned({ alg: "HS256" }, claims);
  return `${text}.${new Bun.CryptoHasher("sha256", secret).update(text).digest("base64url")}`;
}

export async function startHostile({ advertisesIss = false, discovery = (document) => document }: HostileOptions = {}): Promise<Hostile> {
  const [own, other] = await Promise.all([generateKeyPair("ES256", { extractable: true }), generateKeyPair("ES256", { extractable: true })]);
  const publicJwk = { ...(await exportJWK(own.publicKey)), kid: "one", use: "sig", alg: "ES256" };
  const state: { lie: Lie; person: Members } = { lie: {}, person: { sub: "h-1" } };
  const requests = new Map<string, URLSearchParams>();
  const asked: string[] = [];

  const sign: Hostile["sign"] = async (claims, { withOtherKey = false, alg = "ES256" } = {}) => {
    const payload: JWTPayload = present(claims);
    return await new SignJWT(payload).setProtectedHeader({ alg, kid: "one" }).sign(withOtherKey ? other.privateKey : own.privateKey);
  };
  const usualClaims = (request: URLSearchParams): Members => {
    const now = Math.floor(Date.now() / 1_000);
    return { iss: issuer, aud: request.get("client_id"), nonce: request.get("nonce"), iat: now, exp: now + 300, ...state.person };
  };
  const token = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    const authorization = requests.get(form.get("code") ?? "");
    requests.delete(form.get("code") ?? "");
    if (authorization === undefined) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const claims = usualClaims(authorization);
    const lied = state.lie.claims?.(claims) ?? claims;
    const id_token = (await state.lie.idToken?.(lied)) ?? (await sign(lied));
    const usual = Response.json({ access_token: "at", token_type: "Bearer", expires_in: 300, id_token });
    return (await state.lie.token?.(usual)) ?? usual;
  };
  const document = (): Members =>
    discovery({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      id_token_signing_alg_values_supported: ["ES256", "HS256", "none"],
      authorization_response_iss_parameter_supported: advertisesIss,
    });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/.well-known/openid-configuration") return Response.json(document());
      if (pathname === "/jwks") return state.lie.jwks?.() ?? Response.json({ keys: [publicJwk] });
      if (pathname === "/token") return await token(request);
      if (pathname === "/userinfo") return state.lie.userinfo?.(state.person) ?? Response.json(state.person);
      return new Response("no such path", { status: 404 });
    },
  });
  const issuer = `http://127.0.0.1:${server.port}`;
  return {
    issuer,
    asked,
    sign,
    get lie() {
      return state.lie;
    },
    set lie(lie) {
      state.lie = lie;
    },
    get person() {
      return state.person;
    },
    set person(person) {
      state.person = person;
    },
    answer(authorizationUrl) {
      const request = new URL(authorizationUrl).searchParams;
      const code = crypto.randomUUID();
      requests.set(code, request);
      const good: Parameters = { code, state: request.get("state") ?? "", iss: issuer };
      const said = new URLSearchParams(state.lie.callback?.(good) ?? good);
      return `${request.get("redirect_uri")}?${said.toString()}`;
    },
    [Symbol.dispose]() {
      void server.stop(true);
    },
  };
}
