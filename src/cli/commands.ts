/**
 * The table of commands: dispatch, help and `docs/cli.md` are made from it.
 *
 * Rule: no row, no command; the code of each is found by `loaders.ts`. It must not import any of them.
 */
import { serverSettingNames } from "../config/table.ts";
import { agentCommands } from "./agent-commands.ts";
import { backupCommands } from "./backup-commands.ts";
import { type CommandRow, host, onHost, person } from "./command-row.ts";
import { deploymentCommands } from "./deployment-commands.ts";
import { federationCommands } from "./federation-commands.ts";
import { peopleCommands } from "./people-commands.ts";
import { selfCommands } from "./self-commands.ts";
import { tlsCommands } from "./tls-commands.ts";
import { workCommands } from "./work-commands.ts";

/** What it takes to ask a License Server. */
const client = ["configFile", "licenseServerAddresses", "extraCaFile", "tlsClientCertFile", "tlsClientKeyFile"] as const;
const addresses = ["publicUrl", "bind", "apiPort", "tlsCertFile", "tlsKeyFile"] as const;
const issuerAddresses = ["issuerUrl", "bind", "issuerPort", "tlsCertFile", "tlsKeyFile"] as const;

export const commands = {
  serve: {
    purpose: "Run the roles of this deployment until it is stopped",
    settings: serverSettingNames,
    options: ["json"],
    notes: [
      "SIGTERM or Ctrl-C stops it: requests in flight are answered first. A second signal ends it at once.",
      "Logs go to standard error, one JSON object a line.",
    ],
  },
  trial: {
    purpose: "Run all of it with the bundled dev license, to try it out",
    settings: serverSettingNames,
    options: ["json"],
    isTrial: true,
    notes: ["It is serve with a data directory of its own and, when that holds no license yet, the license that came with this build."],
  },
  "license status": {
    purpose: "Say how the license stands, until when, and what to do",
    settings: client,
    options: ["json", "warnDays"],
    notes: [
      "The first License Server that answers is asked. It ends in 0 while the license is good (ok, expiring) and in 7 in any other state.",
      "With --warn-days it ends in 10 while the license is good and ends within so many days, so that a timer can tell of it in time.",
    ],
  },
  "license inspect": {
    purpose: "Read a license or revocation file and say whether this build accepts it; needs no server",
    operands: ["FILE"],
    settings: [],
    options: ["json"],
  },
  "license test": {
    purpose: "Say what installing a license or revocation file would change",
    operands: ["FILE"],
    settings: [...host, "licenseFile", "clusterId"],
    options: ["json"],
    notes: [onHost, "Nothing is changed. It ends in 7 when the file would be refused. Before the first start there is no license to compare with, but the file is checked for this host."],
  },
  "license install": {
    purpose: "Put a license or revocation file in force; a running License Server takes it over at once",
    operands: ["FILE"],
    settings: [...host, "licenseFile", "clusterId"],
    options: ["json"],
    notes: ["A file that would not be accepted is refused, and the one before stays. A revocation ends the license in force; the license file stays where it is.", onHost],
  },
  "license reload": {
    purpose: "Have the License Server read its file again now",
    settings: [...host, "licenseFile", "clusterId"],
    options: ["json"],
  },
  "license fingerprint": {
    purpose: "Print the hashed parts of this host that a vendor needs to bind a license to it",
    settings: ["configFile", "dataDir", "licenseFile"],
    options: ["json", "deploymentId"],
  },
  "license join-token": {
    purpose: "Make a single-use token by which a role on another host enrols",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "license clients": {
    purpose: "List the clients of the License Server, or refuse one from now on",
    settings: host,
    options: ["json", "revoke"],
    notes: [onHost],
  },
  "admin create": {
    purpose: "Create an administrator",
    settings: [...host, ...addresses],
    options: ["json", "email", "passwordFile", "passwordStdin", "firstName", "lastName", "deploymentName"],
    notes: [onHost],
  },
  "admin setup-link": {
    purpose: "Make a single-use link for first-run set-up",
    settings: [...host, ...addresses, "preset", "setupLinkSeconds"],
    options: ["json"],
    notes: [onHost],
  },
  "oidc keys list": {
    purpose: "List the issuer's signing keys, the newest first",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc keys rotate": {
    purpose: "Have the next signing keys take over before their time",
    settings: [...host, "preset", "accessTokenSeconds", "idTokenSeconds"],
    options: ["json", "alg", "now"],
    notes: [
      "The next key is published at once and signs after the time for which verifiers may keep the keys; the one before stays published as long as the tokens it signed. Nothing fails.",
      "With --now it signs at once: verifiers that do not look again for a key that they do not know refuse new tokens for up to 5 minutes.",
      onHost,
    ],
  },
  "oidc keys revoke": {
    purpose: "Refuse everything that a signing key has signed, from now on",
    operands: ["KID"],
    settings: [...host, "preset", "accessTokenSeconds", "idTokenSeconds"],
    options: ["json"],
    notes: [
      "For a key that somebody else may have. Every role refuses its tokens within 5 seconds; other verifiers as soon as they read the keys again, which they do every 5 minutes. People stay signed in and get new tokens, signed by the next key.",
      "Repeating it changes nothing.",
      onHost,
    ],
  },
  "oidc keys add": {
    purpose: "Make a first signing key of one more algorithm",
    settings: [...host, "preset", "accessTokenSeconds", "idTokenSeconds"],
    options: ["json", "alg"],
    notes: ["Where there is one already nothing changes.", onHost],
  },
  "oidc clients list": {
    purpose: "List the registered OIDC clients",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc clients show": {
    purpose: "Show what is registered about an OIDC client",
    operands: ["CLIENT_ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc clients create": {
    purpose: "Register an OIDC client; its secret is shown once",
    settings: host,
    options: ["json", "name", "redirectUri", "metadataFile"],
    notes: [
      "Without more it is a confidential client for the authorization code with PKCE. Everything else is a member of the metadata file: grant_types, token_endpoint_auth_method, jwks, scope, resources, …",
      "It needs the feature oidc_provider, and so a running server.",
    ],
  },
  "oidc clients update": {
    purpose: "Change members of what is registered about an OIDC client",
    operands: ["CLIENT_ID"],
    settings: host,
    options: ["json", "name", "redirectUri", "metadataFile"],
    notes: ["Members that are not named stay; null takes one back to its default.", onHost],
  },
  "oidc clients disable": {
    purpose: "Refuse an OIDC client everywhere until it is enabled again",
    operands: ["CLIENT_ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc clients enable": {
    purpose: "Let a disabled OIDC client take part again",
    operands: ["CLIENT_ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc clients delete": {
    purpose: "Delete an OIDC client with its secrets, consents and grants",
    operands: ["CLIENT_ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc clients rotate-secret": {
    purpose: "Make a new secret for an OIDC client; the one before overlaps",
    operands: ["CLIENT_ID"],
    settings: [...host, "preset", "clientSecretOverlapSeconds"],
    options: ["json", "overlap"],
    notes: [onHost],
  },
  "oidc clients token": {
    purpose: "Make an initial access token, by which one client may register itself",
    settings: [...host, "preset", "initialAccessTokenSeconds"],
    options: ["json", "life"],
    notes: ["It needs the feature oidc_provider, and so a running server."],
  },
  "keys scan": {
    purpose: "Find keys of this product in files, folders or standard input; needs no server",
    operands: ["PATH"],
    settings: [],
    options: ["json"],
    notes: [
      "PATH is a file, a folder with everything in it, or - for standard input. Files of any size and kind are read, also UTF-16; links are not followed, and archives and compressed files are not opened.",
      "Each place is a line: file, line, kind and the public prefix of the key, by which the list of credentials names it. The key itself is not printed. Form and checksum decide, so what merely looks like a key is not reported.",
      "It ends in 8 when a key was found, in 4 when none was found but something could not be read, else in 0. At most 10,000 places are listed.",
    ],
  },
  "oidc providers list": {
    purpose: "List the providers by which people sign in",
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc providers show": {
    purpose: "Show what is set about a sign-in provider; its secret is never shown",
    operands: ["ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc providers create": {
    purpose: "Add a provider by which people sign in",
    operands: ["ID"],
    settings: host,
    options: ["json", "issuer", "clientId", "clientSecretFile", "name", "provisioning", "domains", "metadataFile"],
    notes: [
      "ID is short and stays: it stands in addresses. Register {issuer_url}/upstream/callback at the provider as the redirect URI. Further members of the metadata file: scope, token_endpoint_auth_method.",
      "It needs the feature oauth, and so a running server.",
    ],
  },
  "oidc providers update": {
    purpose: "Change what is set about a sign-in provider, or its secret",
    operands: ["ID"],
    settings: host,
    options: ["json", "clientId", "clientSecretFile", "name", "provisioning", "domains", "metadataFile"],
    notes: ["Members that are not named stay; null in the metadata file takes one back to its default. The issuer cannot change: add another provider.", onHost],
  },
  "oidc providers disable": {
    purpose: "Let nobody sign in by a provider until it is enabled again",
    operands: ["ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc providers enable": {
    purpose: "Let people sign in by a disabled provider again",
    operands: ["ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "oidc providers delete": {
    purpose: "Delete a sign-in provider",
    operands: ["ID"],
    settings: host,
    options: ["json"],
    notes: [onHost],
  },
  "admin reset-link": {
    purpose: "Make a single-use link by which somebody chooses a new password",
    settings: [...host, ...issuerAddresses, "preset", "passwordLinkSeconds"],
    options: ["json", "email"],
    notes: [onHost],
  },
  "admin reset-factor": {
    purpose: "Remove the second factor of somebody who has lost it",
    settings: [...host, ...addresses],
    options: ["json", "email"],
    notes: [onHost],
  },
  "audit export": {
    purpose: "Print the audit log as JSON Lines, in the order of its chains",
    settings: host,
    options: ["json", "operation", "actor", "subject", "team", "outcome", "from", "to"],
    notes: ["Each line is a row with its chain, so that others can check an export that is not filtered: see audit.md.", onHost],
  },
  "audit verify": {
    purpose: "Say whether the audit log is whole, and where it is not",
    settings: host,
    options: ["json"],
    notes: ["It reads all of it and names the first row that was changed, moved, put in or taken out; rows cut off at the end are missed by the anchor in the data directory. It ends in 6 when something is wrong.", onHost],
  },
  ...backupCommands,
  ...deploymentCommands,
  ...federationCommands,
  ...peopleCommands,
  ...workCommands,
  login: {
    purpose: "Sign this machine in as a device of the person who confirms its code in a browser",
    settings: person,
    options: ["json"],
    notes: [
      "It prints a code and an address to standard error and waits until somebody confirms it there. The keys that it gets are kept in a file of this user's alone (mode 0600) under $XDG_CONFIG_HOME/cyberun/profiles, else ~/.config.",
      "A profile that is signed in already is signed in anew, and its key before ends. It ends in 5 when the code was refused or nobody confirmed it in time, in 3 when the server cannot be reached.",
    ],
  },
  logout: {
    purpose: "End the keys of this machine and forget them",
    settings: person,
    options: ["json"],
    notes: ["It ends in 3 when the server cannot be reached; the keys are kept then. A key in CYBERUN_API_KEY is left alone."],
  },
  whoami: {
    purpose: "Say who is signed in, as which device and for which team",
    settings: person,
    options: ["json"],
    notes: ["CYBERUN_API_KEY goes before the profile. It ends in 4 when nobody is signed in or the key is good no more."],
  },
  "devices list": {
    purpose: "List the own devices",
    settings: person,
    options: ["json"],
    notes: ["CYBERUN_API_KEY goes before the profile."],
  },
  "devices revoke": {
    purpose: "Revoke one of the own devices, with its agent key",
    operands: ["ID"],
    settings: person,
    options: ["json"],
    notes: ["The id is that of devices list. CYBERUN_API_KEY goes before the profile."],
  },
  ...agentCommands,
  ...tlsCommands,
  ...selfCommands,
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof commands;

export function commandOf(name: CommandName): CommandRow {
  return commands[name];
}

const names: readonly string[] = Object.keys(commands);

export const commandNames: readonly CommandName[] = names.filter((name): name is CommandName => Object.hasOwn(commands, name));

export interface Resolved {
  readonly name: CommandName;
  readonly operands: readonly string[];
}

/** The command that the words begin with, the longest that fits, and the words behind it. */
export function findCommand(words: readonly string[]): Resolved | undefined {
  for (const length of [3, 2, 1]) {
    const asked = words.slice(0, length).join(" ");
    const name = commandNames.find((candidate) => candidate === asked);
    if (name !== undefined) return { name, operands: words.slice(length) };
  }
  return undefined;
}
