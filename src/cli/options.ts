/**
 * Flags that belong to one call and are no setting: they have no variable and stand in no config file.
 *
 * Rule: a secret is never an option's value, because every process on the host sees the command line; options name
 * files, or standard input.
 */

export interface Option {
  readonly flag: string;
  /** Absent: the flag is a switch. */
  readonly placeholder?: string;
  readonly help: string;
  readonly shownDefault: string;
}

export const options = {
  help: { flag: "--help", help: "Print this help", shownDefault: "off" },
  json: { flag: "--json", help: "Print one JSON object to standard output, and a failure as JSON to standard error", shownDefault: "off" },
  email: { flag: "--email", placeholder: "ADDRESS", help: "Email address to sign in with", shownDefault: "none; required" },
  firstName: { flag: "--first-name", placeholder: "NAME", help: "First name", shownDefault: "Site" },
  lastName: { flag: "--last-name", placeholder: "NAME", help: "Last name", shownDefault: "Administrator" },
  deploymentName: { flag: "--deployment-name", placeholder: "NAME", help: "Name of the deployment and of its first team; the first administrator only", shownDefault: "Cyberun" },
  passwordFile: { flag: "--password-file", placeholder: "FILE", help: "File that holds the password in its first line", shownDefault: "none; asked for on a terminal" },
  passwordStdin: { flag: "--password-stdin", help: "Read the password from standard input", shownDefault: "off" },
  deploymentId: { flag: "--deployment-id", placeholder: "ID", help: "Deployment that the license is for", shownDefault: "that of the installed license" },
  sums: { flag: "--sums", placeholder: "FILE", help: "List of SHA-256 sums that the vendor published", shownDefault: "SHA256SUMS beside the executable" },
  revoke: { flag: "--revoke", placeholder: "ID", help: "Refuse this client from now on", shownDefault: "none; the clients are listed" },
  alg: { flag: "--alg", placeholder: "ALG", help: "Signature algorithm: ES256, EdDSA or RS256", shownDefault: "every one in use" },
  now: { flag: "--now", help: "Do not wait until verifiers know the next key", shownDefault: "off" },
  name: { flag: "--name", placeholder: "NAME", help: "Name of the client or provider, as people see it when they sign in", shownDefault: "its id" },
  redirectUri: { flag: "--redirect-uri", placeholder: "URI,…", help: "Addresses that answers are sent to, exactly as the application spells them", shownDefault: "none" },
  metadataFile: { flag: "--metadata-file", placeholder: "FILE", help: "JSON object with more members; flags win", shownDefault: "none" },
  issuer: { flag: "--issuer", placeholder: "URL|google", help: "Address of the provider as its discovery document spells it, or google", shownDefault: "none; required" },
  clientId: { flag: "--client-id", placeholder: "ID", help: "The client_id that the provider gave", shownDefault: "none; required" },
  clientSecretFile: { flag: "--client-secret-file", placeholder: "FILE", help: "File that holds the provider's client secret in its first line", shownDefault: "none" },
  provisioning: { flag: "--provisioning", placeholder: "WHO", help: "Who gets an account: none, registration or trusted", shownDefault: "registration" },
  domains: { flag: "--domains", placeholder: "DOMAIN,…", help: "Domains of verified addresses that may sign in", shownDefault: "all" },
  overlap: { flag: "--overlap", placeholder: "SECONDS", help: "How long the secret before stays good; 0 ends it at once", shownDefault: "86400" },
  life: { flag: "--life", placeholder: "SECONDS", help: "How long the token is good", shownDefault: "3600" },
  operation: { flag: "--operation", placeholder: "NAME", help: "Rows of this operation only, such as team.create", shownDefault: "all" },
  actor: { flag: "--actor", placeholder: "KIND:ID", help: "Rows of this caller only", shownDefault: "all" },
  subject: { flag: "--subject", placeholder: "KIND:ID", help: "Rows about this thing only", shownDefault: "all" },
  team: { flag: "--team", placeholder: "ID", help: "Rows of this team only", shownDefault: "all" },
  outcome: { flag: "--outcome", placeholder: "OUTCOME", help: "Rows that are done or refused only", shownDefault: "both" },
  from: { flag: "--from", placeholder: "TIME", help: "Rows of this time and later, such as 2026-03-31T12:00:00Z", shownDefault: "the first" },
  passphraseFile: { flag: "--passphrase-file", placeholder: "FILE", help: "File that holds the passphrase in its first line", shownDefault: "none" },
  identityFile: { flag: "--identity-file", placeholder: "FILE", help: "File that holds the secret key of the backup's recipient", shownDefault: "none" },
  recipient: { flag: "--recipient", placeholder: "KEY", help: "Encrypt to this public key of cyberun backup key", shownDefault: "none" },
  signer: { flag: "--signer", placeholder: "KEY", help: "The deployment's signer, as backup create prints it", shownDefault: "that of the data directory" },
  replace: { flag: "--replace", help: "Replace what the directory holds", shownDefault: "off" },
  to: { flag: "--to", placeholder: "TIME", help: "Rows before this time", shownDefault: "the last" },
  page: { flag: "--page", placeholder: "NUMBER", help: "Which page of the list", shownDefault: "1" },
  perPage: { flag: "--per-page", placeholder: "NUMBER", help: "How many a page has, at most 100", shownDefault: "20; with --all 100" },
  all: { flag: "--all", help: "Every page", shownDefault: "off" },
  yes: { flag: "--yes", help: "Do not ask whether it is meant", shownDefault: "off; asked on a terminal" },
  search: { flag: "--search", placeholder: "TEXT", help: "Accounts with this in their address only", shownDefault: "all" },
  displayName: { flag: "--display-name", placeholder: "NAME", help: "Name as others see it", shownDefault: "as it is" },
  administrator: { flag: "--administrator", placeholder: "YES|NO", help: "Whether the account administers the deployment", shownDefault: "as it is" },
  role: { flag: "--role", placeholder: "ROLE", help: "Role in the team: admin, member or viewer", shownDefault: "member" },
  kind: { flag: "--kind", placeholder: "KIND", help: "Keys of this kind only: integration, agent or device", shownDefault: "all" },
  expiresInDays: { flag: "--expires-in-days", placeholder: "DAYS", help: "When the key ends by itself, 1 to 365", shownDefault: "never" },
  scopes: { flag: "--scopes", placeholder: "SCOPE,…", help: "What an integration key is narrowed to", shownDefault: "all that its kind may do" },
  allowedCidrs: { flag: "--allowed-cidrs", placeholder: "CIDR,…", help: "Networks that the key is good from", shownDefault: "all" },
  out: { flag: "--out", placeholder: "FILE", help: "New file for the key, readable by this user alone; it is not printed then", shownDefault: "none; the key is printed" },
  codeFile: { flag: "--code-file", placeholder: "FILE", help: "File that holds a code of the second factor, or a recovery code, in its first line", shownDefault: "none; asked for on a terminal" },
  wait: { flag: "--wait", help: "Wait for the end of the task, with its log on standard error", shownDefault: "off" },
  parametersFile: { flag: "--parameters-file", placeholder: "FILE", help: "JSON object with parameters; those of the command line win", shownDefault: "none" },
  status: { flag: "--status", placeholder: "STATUS", help: "Tasks in this state only", shownDefault: "all" },
  contentType: { flag: "--content-type", placeholder: "TYPE", help: "Media type of the file", shownDefault: "by its ending" },
  once: { flag: "--once", placeholder: "NAME", help: "Run once, however often this is called with the same name within 24 hours", shownDefault: "none" },
  url: { flag: "--url", placeholder: "URL", help: "Address", shownDefault: "none" },
  events: { flag: "--events", placeholder: "EVENT,…", help: "Names of events", shownDefault: "all" },
  port: { flag: "--port", placeholder: "PORT", help: "Port on the agent's own host", shownDefault: "8188, ComfyUI's" },
  protocol: { flag: "--protocol", placeholder: "NAME", help: "http for a web page and its WebSockets, or tcp", shownDefault: "http" },
  expiresIn: { flag: "--expires-in", placeholder: "SECONDS", help: "How long the tunnel is open, 60 to 86400", shownDefault: "28800" },
  listen: { flag: "--listen", placeholder: "[HOST:]PORT", help: "Where this host listens", shownDefault: "a free port of 127.0.0.1" },
  warnDays: { flag: "--warn-days", placeholder: "DAYS", help: "End in 10 when it ends within so many days", shownDefault: "none" },
  hosts: { flag: "--host", placeholder: "NAME,…", help: "Host names and addresses that the certificate is for, the most used one first", shownDefault: "those of the certificate that is there" },
  folder: { flag: "--folder", placeholder: "DIR", help: "Folder of the authority and its certificates", shownDefault: "tls in the data directory" },
  fingerprint: { flag: "--fingerprint", placeholder: "TEXT", help: "Fingerprint of the other site, as its operator read it out", shownDefault: "none; asked about on a terminal" },
  siteId: { flag: "--site-id", placeholder: "ID", help: "Short name of the site here", shownDefault: "made of its host" },
  replica: { flag: "--replica", help: "The site shares this one's issuer identity and keys", shownDefault: "off" },
  audiences: { flag: "--audiences", placeholder: "URL,…", help: "Whose tokens of the site count: made for these APIs", shownDefault: "this site's own; as it is for rules" },
  teams: { flag: "--teams", placeholder: "ID,…", help: "Teams that its people act in, or all for those that they are members of", shownDefault: "all; as it is for rules" },
  mapping: { flag: "--mapping", placeholder: "NAME", help: "Who its people are here: refuse, link or create", shownDefault: "link; as it is for rules" },
  signIn: { flag: "--sign-in", placeholder: "YES", help: "yes: the sign-in page offers the site, and its own may offer this one; or no", shownDefault: "no; as it is for rules" },
  refresh: { flag: "--refresh", placeholder: "YES", help: "yes: look for newer bundles over the network; or no", shownDefault: "no; as it is for rules" },
  days: { flag: "--days", placeholder: "DAYS", help: "How long the bundle is good, 1 to 365", shownDefault: "30" },
  unread: { flag: "--unread", help: "Notifications that are not read yet only", shownDefault: "off" },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof options;

export function optionOf(name: OptionName): Option {
  return options[name];
}

const names: readonly string[] = Object.keys(options);

export const optionNames: readonly OptionName[] = names.filter((name): name is OptionName => Object.hasOwn(options, name));
