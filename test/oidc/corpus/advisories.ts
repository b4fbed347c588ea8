/**
 * What went wrong elsewhere, and which of our tests would have shown it here: one row for each advisory or fix in other
 * identity servers of the years 2023 to 2026 that has a lesson for this one.
 *
 * Tests of the corpus begin with `advisory N:`; `also` names older tests, by file and a part of their full name, that hold
 * the same lesson down elsewhere. `index.test.ts` holds all of it to what really runs, and `docs/advisories.md` is printed
 * from here.
 */

export interface Proof {
  /** Path below `test/`. */
  readonly file: string;
  /** A part of the names of the tests that are meant, as the test runner tells them. */
  readonly test: string;
}

export interface Advisory {
  readonly number: number;
  /** Where it happened. */
  readonly source: string;
  /** What was possible there, and must not be here. */
  readonly flaw: string;
  readonly also?: readonly Proof[];
}

const code = "oidc/grants/authorization-code.test.ts";
const refresh = "oidc/grants/refresh-token.test.ts";
const authorize = "roles/issuer/authorize.test.ts";
const token = "roles/issuer/token.test.ts";
const factors = "identity/second-factors.test.ts";
const reset = "identity/password-reset.test.ts";
const sessions = "identity/sessions.test.ts";
const signUp = "teams/sign-up.test.ts";
const doors = "roles/doors.test.ts";
const upstream = "roles/issuer/upstream.test.ts";

const tokensAndCodes: readonly Advisory[] = [
  { number: 1, source: "CVE-2026-28513, pocket-id", flaw: "A code was good when either its client or its time was right.", also: [{ file: code, test: "at another client, expired or not" }] },
  { number: 2, source: "GHSA-7w99-5wm4-3g79, better-auth; dex and pocket-id device fix", flaw: "A code could be redeemed twice side by side.", also: [{ file: code, test: "fifty times side by side" }, { file: "oidc/grants/device-code.test.ts", test: "exactly one of 50 side by side" }, { file: "credentials/pairing.test.ts", test: "exactly one of 20 polls" }] },
  { number: 3, source: "CVE-2026-1035, keycloak", flaw: "Refreshing was a check and then an update, so two lineages could live.", also: [{ file: refresh, test: "fifty times side by side" }, { file: "oidc/refresh-schedules.test.ts", test: "never locked out" }] },
  { number: 4, source: "CVE-2026-9802, keycloak", flaw: "Revoked refresh tokens were good again after a restart.", also: [{ file: refresh, test: "stays so after a restart" }] },
  { number: 5, source: "GHSA-392p-2q2v-4372, GHSA-pw9m-5jxm-xr6h, better-auth", flaw: "Refreshing asked for no client, or gave more than was granted.", also: [{ file: refresh, test: "is never good for more than was granted" }] },
  { number: 6, source: "pocket-id 978ac87d, e8cb0c83; rauthy 0.32.4", flaw: "A disabled person, a lost group or a changed client was passed over on refresh.", also: [{ file: refresh, test: "a role that was lost" }] },
  { number: 7, source: "CVE-2026-27840, zitadel", flaw: "A token that was cut short was still good.", also: [{ file: "oidc/grant-tokens.test.ts", test: "every prefix and every changed character" }, { file: "identity/session-secrets.test.ts", test: "every prefix" }] },
  { number: 8, source: "GHSA-wxg7-w2v3-w38g, zitadel; CVE-2025-31123", flaw: "A claim that was left out skipped its check.", also: [{ file: token, test: "without exp" }, { file: "oidc/access-tokens.test.ts", test: "with a claim that is wrong or missing" }] },
  { number: 9, source: "CVE-2026-11800, keycloak", flaw: "The message chose the algorithm or brought its key along.", also: [{ file: "oidc/jwt.test.ts", test: "the name of an algorithm in the header never decides" }, { file: token, test: "with alg none" }] },
  { number: 10, source: "CVE-2026-1486, keycloak", flaw: "What was disabled was still trusted on another way in.", also: [{ file: "roles/issuer/introspection.test.ts", test: "whose client is disabled or deleted" }] },
  { number: 11, source: "GHSA-p2fr-6hmx-4528, better-auth", flaw: "The resource was not bound to the grant.", also: [{ file: token, test: "are for the resources that the client is registered for" }] },
  { number: 12, source: "GHSA-2vg6-77g8-24mp, better-auth", flaw: "Sessions outlived their person's account.", also: [{ file: "credentials/authentication.test.ts", test: "dies with account, membership or revocation" }, { file: sessions, test: "a disabled person is nobody at once" }] },
  { number: 13, source: "CVE-2025-12110, CVE-2025-12390, keycloak", flaw: "An identifier of a session came again after sign-out." },
];

const redirectsAndParameters: readonly Advisory[] = [
  { number: 14, source: "CVE-2026-28512, pocket-id", flaw: "User information in a redirect address led elsewhere.", also: [{ file: "oidc/clients/redirect-uris.test.ts", test: "cannot be registered" }] },
  { number: 15, source: "CVE-2023-6134, -6291, CVE-2024-1132, -2419, -8883, keycloak", flaw: "Patterns and normal forms let other addresses pass.", also: [{ file: "oidc/clients/redirect-uris.test.ts", test: "but not" }] },
  { number: 16, source: "pocket-id 8a757749, 2b94535a", flaw: "One way of answering did not check the address; scripts were addresses.", also: [{ file: authorize, test: "is a page, never a redirect" }] },
  { number: 17, source: "CVE-2026-9689, keycloak", flaw: "Two readers of a repeated parameter saw two requests.", also: [{ file: token, test: "with a parameter twice" }] },
  { number: 18, source: "CVE-2026-7571, keycloak", flaw: "A browser could switch the implicit flow on again.", also: [{ file: authorize, test: "the implicit flow" }] },
  { number: 19, source: "CVE-2024-4540, keycloak", flaw: "What was pushed over the back channel lay in a cookie.", also: [{ file: "roles/issuer/pushed-authorization.test.ts", test: "stored as a digest alone" }] },
  { number: 20, source: "GHSA-v959-qxv6-6f8p, GHSA-pr34-2v5x-6qjq, GHSA-6rx5-m2rc-hmf7, zitadel", flaw: "A script was led to after sign-out, or stood in an answer.", also: [{ file: "roles/issuer/logout.test.ts", test: "a script as address" }] },
  { number: 21, source: "GHSA-86j7-9j95-vpqj, better-auth; CVE-2025-27143, CVE-2025-53535", flaw: "An origin was compared by its beginning.", also: [{ file: authorize, test: "takes no form of another site" }] },
  { number: 22, source: "node-oidc-provider 9.11.4", flaw: "Malformed metadata, claims, proofs and credentials broke the server or passed.", also: [{ file: token, test: "not Basic with" }] },
  { number: 23, source: "pocket-id eb0456a3", flaw: "Secrets were taken from the address, where logs keep them.", also: [{ file: "roles/issuer/userinfo.test.ts", test: "with the token in the address" }] },
];

const signInAndRecovery: readonly Advisory[] = [
  { number: 24, source: "CVE-2025-64101, GHSA-93m4-mfpg-c3xf, GHSA-pfrf-9r5f-73f5, CVE-2023-49097, zitadel", flaw: "A mailed link was built from the request's host.", also: [{ file: reset, test: "leads to the configured address" }] },
  { number: 25, source: "CVE-2025-64102, CVE-2024-32868, zitadel", flaw: "One-time codes could be guessed without end.", also: [{ file: factors, test: "ten wrong codes lock the authenticator on every door" }] },
  { number: 26, source: "CVE-2024-4629, keycloak; CVE-2023-47111, zitadel", flaw: "Guesses side by side slipped past the count.", also: [{ file: sessions, test: "a hundred wrong guesses side by side" }, { file: factors, test: "fifty wrong codes side by side" }] },
  { number: 27, source: "CVE-2026-47203, CVE-2025-24806, authelia", flaw: "Each spelling of a name had its own count.", also: [{ file: sessions, test: "all spellings of an address" }] },
  { number: 28, source: "GHSA-xg6x-h9c9-2m83, better-auth; CVE-2025-64103, zitadel; CVE-2025-3910, keycloak", flaw: "A session was good before the second factor.", also: [{ file: factors, test: "the step token is nobody anywhere else" }] },
  { number: 29, source: "CVE-2026-37982, keycloak", flaw: "A mailed link could be used for another deed, again.", also: [{ file: reset, test: "of several uses of one link" }] },
  { number: 30, source: "CVE-2026-8830, CVE-2025-12150, keycloak; kanidm 1.10", flaw: "The policy for passkeys was the browser's to keep; an origin was compared by its end.", also: [{ file: "identity/passkeys/registration.test.ts", test: "of an origin whose name ends alike" }, { file: "identity/passkeys/sign-in.test.ts", test: "opens nothing, with or without a password" }] },
  { number: 31, source: "dex #4884", flaw: "One TOTP code opened two sessions; a cloned passkey went unnoticed.", also: [{ file: factors, test: "one code opens one session" }, { file: "identity/passkeys/sign-in.test.ts", test: "the counter" }] },
  { number: 32, source: "GHSA-25rw-g6ff-fmg8, CVE-2024-49757, zitadel", flaw: "What was switched off in the page was open at the door.", also: [{ file: signUp, test: "only with the feature and a good license" }] },
  { number: 33, source: "CVE-2026-27946, zitadel", flaw: "A person could call the own address proven.", also: [{ file: "roles/issuer/registration.test.ts", test: "gains nothing that is not its to ask for" }] },
  { number: 34, source: "pocket-id 96fac693", flaw: "One-time codes were made of repeated bytes.", also: [{ file: "crypto/tokens.test.ts", test: "" }] },
  { number: 35, source: "CVE-2024-41952, CVE-2025-57770, zitadel; rauthy #1487; better-auth #8097, #7971", flaw: "Answers told who has an account.", also: [{ file: reset, test: "answered, recorded and audited alike" }, { file: signUp, test: "answered and recorded alike" }] },
  { number: 36, source: "GHSA-7rqj-j65f-68wh, Auth.js", flaw: "An address was judged before its Unicode form was.", also: [{ file: "identity/email-address.test.ts", test: "" }] },
  { number: 37, source: "kanidm 1.11", flaw: "A password of any length was hashed.", also: [{ file: "identity/passwords.test.ts", test: "" }] },
];

const othersWord: readonly Advisory[] = [
  { number: 38, source: "GHSA-g38m-r43w-p2q7, better-auth; CVE-2025-7365, CVE-2026-9087, keycloak", flaw: "Accounts were joined by an address that nobody had proven.", also: [{ file: upstream, test: "opens nothing by itself" }, { file: upstream, test: "is connected only after the second factor" }] },
  { number: 39, source: "CVE-2025-46815, zitadel; GHSA-x445-f3h2-j279, Auth.js", flaw: "An upstream's answer could be used twice, or for another upstream.", also: [{ file: upstream, test: "is good once for fifty at the same moment" }, { file: upstream, test: "a mix-up of two providers" }] },
  { number: 40, source: "CVE-2026-1529, keycloak; GHSA-fmh4-wcc4-5jm3, better-auth", flaw: "An invitation could be altered, or taken by somebody else.", also: [{ file: "teams/invitations.test.ts", test: "of fifty acceptances of one invitation one counts" }] },
  { number: 41, source: "CVE-2026-45337, better-auth", flaw: "A device's request could be approved into another person's session.", also: [{ file: "identity/device-requests.test.ts", test: "a code belongs to whoever types it first" }, { file: "roles/issuer/device.test.ts", test: "nothing is approved" }, { file: "oidc/grants/device-code.test.ts", test: "exactly one of 50" }] },
  { number: 42, source: "GHSA-5rr4-8452-hf4v, GHSA-gv74-j8m3-fg5f, better-auth", flaw: "Anybody could register an upstream, at any address.", also: [{ file: "roles/api-upstream.test.ts", test: "is for administrators" }] },
];

const administrationAndNetwork: readonly Advisory[] = [
  { number: 43, source: "GHSA-xxwr-vvr3-2g9f, kanidm", flaw: "Whoever could read an entry could change it.", also: [{ file: doors, test: "each door lets in whom its operation accepts" }, { file: "across/permissions.test.ts", test: "every role, on own, foreign and missing things" }] },
  { number: 44, source: "GHSA-r9w3-57w2-gch2, CVE-2026-33504, hydra", flaw: "A forged page mark reached the database." },
  { number: 45, source: "CVE-2025-61928, better-auth", flaw: "The body said whose key was to be made." },
  { number: 46, source: "pocket-id 0c41872c, db64b150", flaw: "A key could make and renew keys, or change how its person signs in.", also: [{ file: "gate/surfaces.test.ts", test: "no surface that changes how somebody gets in admits a key" }] },
  { number: 47, source: "GHSA-xr8f-h2gw-9xh6, better-auth", flaw: "People without the right could change clients.", also: [{ file: "oidc/clients/client-operations.test.ts", test: "strangers, devices, integrations, agents and jobs are refused" }] },
  { number: 48, source: "CVE-2025-67494, CVE-2024-49753, zitadel; hydra 24c3be57, e4782db8; pocket-id 9714296e; better-auth #9226, #10126", flaw: "Addresses of others led into the own network.", also: [{ file: "dialler.test.ts", test: "a name that leads to" }] },
  { number: 49, source: "CVE-2026-48794, authelia", flaw: "A host in capitals was another host." },
  { number: 50, source: "GHSA-gr79-9v6v-gc9r, dex", flaw: "Old versions of TLS came back with a changed configuration." },
  { number: 51, source: "CVE-2024-10039, keycloak; pocket-id 140b5d3c", flaw: "A header gave a stranger another address, or the loopback address no limit." },
  { number: 52, source: "kanidm 1.10; CVE-2024-10270, CVE-2025-2559, keycloak", flaw: "Depth, patterns and caches had no end.", also: [{ file: "crypto/strict-json.test.ts", test: "" }] },
  { number: 53, source: "rauthy audit 0.32; kanidm", flaw: "A page of size 0 broke the server; a secret was compared letter by letter." },
  { number: 54, source: "GHSA-xmf8-cvqr-rfgj, GHSA-8fpg-xm3f-6cx3, Auth.js", flaw: "A malformed header broke the server; a broken configuration opened it.", also: [{ file: "config.test.ts", test: "all of all sources are told together" }] },
  { number: 55, source: "CVE-2025-7962, keycloak; CVE-2024-41953, zitadel", flaw: "Names were lines and markup in mails.", also: [{ file: "mail/smtp.test.ts", test: "is a header, a recipient or markup" }] },
];

export const advisories: readonly Advisory[] = [...tokensAndCodes, ...redirectsAndParameters, ...signInAndRecovery, ...othersWord, ...administrationAndNetwork];
