/**
 * Flaws of other servers, put back into a copy of ours: the text that keeps each out, and what stands there with the flaw in it.
 *
 * A text has to be in its file exactly once; a flaw that cannot be put back any more is a row to mend, not to drop.
 */

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Flaw {
  /** The row of `test/oidc/corpus/advisories.ts`. */
  readonly advisory: number;
  /** What is wrong with it, in a few words. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The file below `test/oidc/corpus` that has to turn red. */
  readonly test: string;
}

const codes = "01-05-codes-and-refresh";
const taken = "06-13-what-was-taken-away";
const altered = "07-09-altered-tokens";
const redirects = "14-17-redirects-and-parameters";
const brought = "18-23-what-a-browser-brings";
const factors = "24-29-mail-and-second-factor";
const accounts = "31-37-accounts";
const passkeys = "30-31-passkeys-at-the-door";
const enumeration = "35-enumeration";
const invitations = "40-invitations";
const devices = "41-devices";
const who = "43-47-who-may";
const upstream = "38-42-upstream";
const network = "48-55-network";

const one = (file: string, from: string, to: string): readonly Edit[] => [{ file: `src/${file}`, from, to }];

const tokenFlaws: readonly Flaw[] = [
  { advisory: 1, name: "a code is good at any client", test: codes, edits: one("oidc/grants/authorization-code.ts", "row === undefined || row.client_id !== request.client.client_id", "row === undefined") },
  { advisory: 1, name: "a code is good for ever", test: codes, edits: one("oidc/grants/authorization-code.ts", "    now < row.expires_at,\n", "") },
  { advisory: 2, name: "a code can be redeemed again", test: codes, edits: one("oidc/grants/authorization-code.ts", ".where(and(eq(codes.digest, digest), isNull(codes.used_at)))", ".where(eq(codes.digest, digest))") },
  { advisory: 2, name: "a replayed code leaves its tokens good", test: codes, edits: one("oidc/grants/authorization-code.ts", 'await endGrant(act, row.grant_id, "code_replayed");', "") },
  {
    advisory: 3,
    name: "each refresh makes a lineage",
    test: codes,
    edits: [
      ...one("oidc/refresh-tokens.ts", "stored.used_at === null ? await exchange(act, stored, grantedAtMs) : undefined", "await exchange(act, stored, grantedAtMs)"),
      ...one("oidc/refresh-tokens.ts", '.where(and(eq(tokens.digest, given("digest")), isNull(tokens.used_at)))', '.where(eq(tokens.digest, given("digest")))'),
    ],
  },
  { advisory: 5, name: "a refresh token is good at any client", test: codes, edits: one("oidc/grants/refresh-token.ts", "stored.client_id === client.client_id, ", "") },
  { advisory: 5, name: "a refresh may ask for more", test: codes, edits: one("oidc/scope.ts", "if (scopes.every((scope) => may.has(scope))) return", "if (may.size > 0) return") },
  { advisory: 6, name: "a scope that a client lost is refreshed", test: taken, edits: one("oidc/person-tokens.ts", "granted.filter((each) => registered.includes(each))", "granted") },
  { advisory: 6, name: "a disabled person refreshes", test: taken, edits: one("oidc/live-grants.ts", "eq(users.id, grants.user_id), isNull(users.disabled_at), ", "eq(users.id, grants.user_id), ") },
  { advisory: 7, name: "a refresh token is good by its beginning", test: altered, edits: one("oidc/refresh-token-lookup.ts", 'digest("oidc-refresh-token", token)', 'digest("oidc-refresh-token", token.slice(0, 40))') },
  { advisory: 8, name: "a proof needs no time", test: altered, edits: one("oidc/dpop.ts", "iat: Type.Integer({ minimum: 0 }),", "iat: Type.Optional(Type.Integer({ minimum: 0 })),") },
  { advisory: 9, name: "a client's header may say anything", test: altered, edits: one("oidc/client-jws.ts", "{ additionalProperties: false },", "{ additionalProperties: true },") },
  { advisory: 10, name: "a disabled client is active", test: taken, edits: one("oidc/clients/client.ts", "client === undefined || client.is_disabled ? undefined : client", "client") },
  { advisory: 11, name: "a refresh may ask for any resource of the client", test: taken, edits: one("oidc/person-tokens.ts", "narrowResources(resources, audiences, audiences)", "narrowResources(resources, [...client.resources, ...audiences], audiences)") },
];

const requestFlaws: readonly Flaw[] = [
  { advisory: 14, name: "an address is compared by its beginning", test: redirects, edits: one("oidc/clients/redirect-uris.ts", "if (registered.includes(uri)) return true;", "if (registered.some((each) => uri.startsWith(each))) return true;") },
  { advisory: 15, name: "a loopback address may have any path", test: redirects, edits: one("oidc/clients/redirect-uris.ts", "return origin + path;", "return origin + path.slice(0, 0);") },
  { advisory: 16, name: "every scheme is taken", test: redirects, edits: one("oidc/clients/redirect-uris.ts", 'if (url.protocol !== "http:") return "has a scheme other than https";', 'if (url.protocol !== "http:") return undefined;') },
  { advisory: 17, name: "the last of two parameters counts", test: redirects, edits: one("oidc/back-channel.ts", "  requireOnce(single);\n", "") },
  { advisory: 17, name: "the first of two parameters counts at the authorization endpoint", test: redirects, edits: one("oidc/authorization/checks.ts", "const [name] = parameters.repeated;", "const [name] = parameters.repeated.size > 99 ? parameters.repeated : [];") },
  { advisory: 18, name: "every response_type is taken for code", test: brought, edits: one("oidc/authorization/checks.ts", 'if (type !== "code") return', 'if (type === "never") return') },
  { advisory: 20, name: "after sign-out any address is gone to", test: brought, edits: one("oidc/logout.ts", "if (client?.post_logout_redirect_uris.includes(uri) === true) return uri;", "if (uri.length > 0) return uri;") },
  { advisory: 21, name: "an origin is compared by its beginning", test: brought, edits: one("http/same-site.ts", 'return new URL(origin).host === request.headers.get("host")', 'return origin.includes(request.headers.get("host") ?? "")') },
  { advisory: 23, name: "parameters in the address are let pass", test: brought, edits: one("oidc/back-channel.ts", "if (search.length > 1) throw", "if (search.length > 100_000) throw") },
];

const accountFlaws: readonly Flaw[] = [
  { advisory: 25, name: "codes may be guessed without end", test: factors, edits: one("identity/factor-check.ts", "export const FACTOR_FAILURES_MAX = 10;", "export const FACTOR_FAILURES_MAX = 10_000;") },
  { advisory: 27, name: "each spelling has its own count", test: factors, edits: one("identity/sign-in-buckets.ts", '{ key }: EmailAddress): string {\n  return sealer.digest("address-bucket", key);', '{ address }: EmailAddress): string {\n  return sealer.digest("address-bucket", address);') },
  { advisory: 28, name: "the password alone opens a session", test: factors, edits: one("identity/sessions.ts", "if (await hasSecondFactor(commandAct.writer, current.id)) return", "if (current.id === \"\") return") },
  {
    advisory: 29,
    name: "a token of one purpose serves another",
    test: factors,
    edits: [...one("identity/step-tokens.ts", "`${purpose}:${token}`", "token"), ...one("identity/step-tokens.ts", "eq(stepTokens.purpose, shown.purpose), isNull", "isNull"), ...one("identity/step-tokens.ts", "{ purpose, token }: ShownStep): string", "{ token }: ShownStep): string")],
  },
  { advisory: 30, name: "a passkey alone need not verify anybody", test: passkeys, edits: one("identity/passkeys/assertion-check.ts", 'use.purpose !== "second_step";', 'use.purpose === "prove";') },
  { advisory: 30, name: "any algorithm and any attestation is taken", test: passkeys, edits: [...one("identity/passkeys/verification.ts", "if (!(await isUnattested(attested))) return undefined;", ""), ...one("identity/passkeys/verification.ts", "supportedAlgorithmIDs: [...algorithms],", "supportedAlgorithmIDs: [...algorithms, -65_535],")] },
  { advisory: 31, name: "a copy of a passkey goes unnoticed", test: passkeys, edits: one("identity/passkeys/assertion-check.ts", "isNull(passkeys.clone_seen_at), isAhead)", "isNull(passkeys.clone_seen_at))") },
  { advisory: 31, name: "one code opens two sessions", test: accounts, edits: one("identity/factor-check.ts", "and(eq(factors.user_id, userId), lt(factors.last_step, step))", "eq(factors.user_id, userId)") },
  { advisory: 34, name: "some signs are likelier", test: accounts, edits: one("crypto/tokens.ts", "const UNBIASED_BELOW = 248;", "const UNBIASED_BELOW = 256;") },
  { advisory: 35, name: "an unknown name costs no hash", test: enumeration, edits: one("identity/passwords.ts", "const isRight = await hashing.run(", 'if (typeof hash !== "string") return false;\n  const isRight = await hashing.run(') },
  { advisory: 36, name: "an address is judged before its Unicode form", test: accounts, edits: one("identity/email-address.ts", 'text.trim().normalize("NFKC").split("@")', 'text.trim().split("@")') },
  { advisory: 37, name: "passwords of any length are hashed", test: accounts, edits: [...one("identity/passwords.ts", "const CHARACTERS_MAX = 128;", "const CHARACTERS_MAX = 1_000_000;"), ...one("identity/passwords.ts", "const BYTES_MAX = 512;", "const BYTES_MAX = 4_000_000;")] },
];

const administrationFlaws: readonly Flaw[] = [
  { advisory: 40, name: "anybody accepts an invitation", test: invitations, edits: one("teams/invitation-answers.ts", "if (user?.emailKey !== emailKey) {", "if (user === undefined) {") },
  { advisory: 40, name: "an invitation has no end", test: invitations, edits: one("teams/invitation-tokens.ts", ", gt(tables.invitations.expires_at, act.services.clock.now())", "") },
  { advisory: 41, name: "whoever types a code decides it", test: devices, edits: one("identity/device-requests.ts", "gt(requests.expires_at, services.clock.now()), isFree))", "gt(requests.expires_at, services.clock.now())))") },
  { advisory: 43, name: "whoever sees keys makes them", test: who, edits: one("teams/permissions.ts", '"credential.create": "admin"', '"credential.create": "viewer"') },
  {
    advisory: 46,
    name: "a key makes keys",
    test: who,
    edits: [
      ...one("gate/operations.ts", '"credential.create": {\n    accepts: ["user"],', '"credential.create": {\n    accepts: ["user", "integration", "agent"],'),
      ...one("gate/surfaces.ts", 'credentials: { admits: ["user"],', 'credentials: { admits: ["user", "integration", "agent"],'),
    ],
  },
  { advisory: 47, name: "anybody who is signed in manages clients", test: who, edits: one("oidc/clients/client-administration.ts", 'if (caller.kind !== "user" || caller.isAdministrator) return;', 'if (caller.kind !== "anonymous") return;') },
  { advisory: 48, name: "a name may lead inside", test: network, edits: one("dialler.ts", 'if (kind !== "public") return', 'if (kind === undefined) return') },
  { advisory: 53, name: "a page may have any size", test: network, edits: one("page.ts", "per_page < 1 || per_page > PER_PAGE_MAX", "per_page > 1e12") },
  { advisory: 55, name: "a name may have lines", test: network, edits: one("identity/names.ts", "if (FORBIDDEN.test(name)) throw", 'if (FORBIDDEN.test(name) && name === "") throw') },
];

const upstreamFlaws: readonly Flaw[] = [
  { advisory: 8, name: "an upstream's token may be another party's", test: upstream, edits: one("identity/upstream/redemption.ts", "azp !== undefined && azp !== client_id", "azp === 0") },
  { advisory: 9, name: "an upstream's signature is not looked at", test: upstream, edits: one("identity/upstream/redemption.ts", "  await validateApplicationLevelSignature(server, response, sending);\n", "") },
  { advisory: 10, name: "a provider that is disabled half-way is good", test: upstream, edits: one("teams/upstream-sign-in.ts", "const provider = await getUsableProvider(commandAct, commandAct.writer, which);", "const provider = asked;") },
  { advisory: 38, name: "a verified address opens its account", test: upstream, edits: one("teams/upstream-sign-in.ts", "if (taken !== undefined) return undefined;", "if (taken !== undefined) return taken.id;") },
  { advisory: 38, name: "an unverified address makes an account", test: upstream, edits: one("teams/upstream-sign-in.ts", "const verified = told.isEmailVerified ? email : undefined;", "const verified = email;") },
  { advisory: 38, name: "a session from before connects an identity", test: upstream, edits: one("identity/upstream/connecting.ts", "gte(sessions.created_at, createdAtMs), ", "gte(sessions.created_at, 0 * createdAtMs), ") },
  { advisory: 39, name: "a state is good in any browser", test: upstream, edits: one("identity/upstream/flows.ts", " || row.browser_digest !== browserDigest(act, row.provider_id, browser)", "") },
  {
    advisory: 39,
    name: "a state is good again",
    test: upstream,
    edits: [
      ...one("identity/upstream/flows.ts", "eq(flows.stage, stage), isNull(flows.used_at), ", "eq(flows.stage, stage), "),
      ...one("identity/upstream/flows.ts", ".where(and(eq(flows.digest, row.digest), isNull(flows.used_at)))", ".where(eq(flows.digest, row.digest))"),
    ],
  },
  {
    advisory: 39,
    name: "an answer may be of any issuer",
    test: upstream,
    edits: one(
      "identity/upstream/redemption.ts",
      "validateAuthResponse(server, client, parameters, state)",
      'validateAuthResponse({ ...server, authorization_response_iss_parameter_supported: false }, client, new URLSearchParams([...parameters].filter(([name]) => name !== "iss")), state)',
    ),
  },
  { advisory: 42, name: "anybody adds a provider", test: upstream, edits: one("identity/upstream/provider-operations.ts", "  requireAdministrator(act.caller);\n  const provider = readProvider(", "  const provider = readProvider(") },
];

export const flaws: readonly Flaw[] = [...tokenFlaws, ...requestFlaws, ...accountFlaws, ...upstreamFlaws, ...administrationFlaws];
