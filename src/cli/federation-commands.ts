/** Rows of the table of commands: sites that know each other's people. */
import { type CommandRow, host, onHost } from "./command-row.ts";

const addresses = ["publicUrl", "bind", "apiPort", "issuerUrl", "issuerPort", "tlsCertFile", "tlsKeyFile"] as const;
const issuing = ["preset", "accessTokenSeconds", "idTokenSeconds", "signingKeyRotationSeconds"] as const;
const rules = ["audiences", "teams", "role", "mapping", "signIn", "refresh"] as const;
const words = {
  role: { help: "Largest role that counts: admin, member or viewer", shownDefault: "member; as it is for rules" },
} as const;

export const federationCommands = {
  "federation site-key": {
    purpose: "Show the fingerprint by which other sites know this one; with --out write its public key to a file",
    settings: [...host, ...addresses],
    options: ["json", "out"],
    words: { out: { help: "New file for the public key, for a site that exports its signing keys to this one", shownDefault: "none" } },
    notes: ["Read the fingerprint out to the other operator over a way that you trust: it is all that has to be compared.", onHost],
  },
  "federation bundle export": {
    purpose: "Sign what this site says of itself, for another site to take",
    settings: [...host, ...addresses, ...issuing],
    options: ["json", "out", "days"],
    words: { out: { help: "New file for the bundle", shownDefault: "none; the bundle is printed" } },
    notes: ["It holds public keys and no secret. Export a new one after each change of keys, after somebody was shut out, and before it expires.", onHost],
  },
  "federation bundle add": {
    purpose: "Pin another site by its bundle, or take a newer bundle of one that is pinned",
    operands: ["FILE"],
    settings: [...host, ...addresses],
    options: ["json", "fingerprint", "siteId", "replica", ...rules],
    words,
    notes: [
      "The first time, --fingerprint is what the other operator read out; on a terminal it is shown and asked about. Rules are given then, or later by federation bundle rules.",
      "Pinning needs the feature oidc_provider, and so a running server; newer bundles do not.",
      onHost,
    ],
  },
  "federation bundle list": {
    purpose: "List the sites that are pinned here, how their bundles stand, and what their people may do",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "federation bundle rules": {
    purpose: "Change what the people of a site may do here; true at the next request",
    operands: ["SITE"],
    settings: [...host, ...addresses],
    options: ["json", ...rules],
    words,
    notes: [onHost],
  },
  "federation bundle remove": {
    purpose: "Shut a site out at once, with everything that stands here on its word",
    operands: ["SITE"],
    settings: host,
    options: ["json", "yes"],
    notes: ["Sessions that it vouched for end, and accounts that have no other way in are disabled.", onHost],
  },
  "federation people link": {
    purpose: "Link a person of a site with an account here",
    operands: ["SITE", "SUBJECT", "USER"],
    settings: host,
    options: ["json"],
    notes: ["SUBJECT is the person's id at the other site, USER the account's id here.", onHost],
  },
  "federation keys export": {
    purpose: "Seal the issuer's signing keys to a site that shares its identity",
    settings: [...host, ...addresses, ...issuing],
    options: ["json", "to", "out", "fingerprint"],
    words: { to: { help: "File with the public key of the receiving site", shownDefault: "none; required" }, out: { help: "New file for the sealed keys, readable by this user alone", shownDefault: "none; they are printed" } },
    notes: ["Whoever holds these keys signs everybody's tokens. The first export makes this site the one that leads; --fingerprint is what the receiver's operator read out.", onHost],
  },
  "federation keys import": {
    purpose: "Take the signing keys of the site that leads; this one makes none from now on",
    operands: ["FILE"],
    settings: [...host, ...addresses],
    options: ["json", "fingerprint"],
    notes: ["The first time, --fingerprint is what the leading site's operator read out. Both sites need the same CYBERUN_ISSUER_URL.", onHost],
  },
  "federation keys status": {
    purpose: "Say whether this site leads or follows, and whether it is behind",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "federation keys lead": {
    purpose: "Have this site make the signing keys from now on, when the one that led is lost",
    settings: host,
    options: ["json", "yes"],
    notes: ["The others then import its exports with its fingerprint. Two sites that lead drift apart.", onHost],
  },
} as const satisfies Record<string, CommandRow>;
