/**
 * What each command prints with `--json`, as JSON Schema: `cyberun schema COMMAND` prints it, and the tests hold every answer to it,
 * member by member.
 *
 * Rule: total; a command without a row does not compile. What is asked of the API or of the operator's door has the shape that is
 * documented there. It is loaded by who needs it: no command pays for it at its start.
 */
import { IsObject, type TProperties, type TSchema, Type } from "typebox";
import { assert } from "../fault.ts";
import type { OperationName } from "../gate/operations.ts";
import { findAnswer } from "../roles/api/answers.ts";
import { closed, FederationSite, Id, Instant, Link, MaybeInstant, Provider, Text } from "../roles/api/answer-shapes.ts";
import { listAudit, verifyAudit } from "../roles/operator/audit-calls.ts";
import { createBackup, drillBackup, readBackupStatus } from "../roles/operator/backup-calls.ts";
import { addSigningKey, createJoinToken, installLicense, listLeaseClients, listSigningKeys, rotateSigningKeys, testLicense } from "../roles/operator/calls.ts";
import { readDeploymentQuotas } from "../roles/operator/deployment-calls.ts";
import { exportFederationBundle, exportFederationKeys, importFederationKeys, readFederationKeys, readFederationSiteKey, removeFederationSite } from "../roles/operator/federation-calls.ts";
import { type Shape, shapeOf } from "../shape.ts";
import { AgentStatus } from "./agent-status.ts";
import type { CommandName } from "./commands.ts";

const MaybeText = Type.Union([Text, Type.Null()]);
const Whole = Type.Integer();
const Flag = Type.Boolean();
const True = Type.Literal(true);
/** Members that a standard or the vendor names. */
const Open = Type.Record(Type.String(), Type.Unknown());
const list = (item: TSchema) => Type.Array(item);
const Certificate = closed({ subject: Text, hosts: list(Text), issuer: Text, is_authority: Flag, not_before: Instant, not_after: Instant, days_left: Whole, sha256_fingerprint: Text });

/** What the API answers. */
function api(operation: OperationName): TSchema {
  const schema = findAnswer(operation)?.schema;
  assert(schema !== undefined, "the operation has an answer");
  return schema;
}

function propertiesOf(schema: TSchema): TProperties {
  assert(IsObject(schema), "an answer is an object");
  return schema.properties;
}

/** The same with members added, or others in their place. */
function extended(schema: TSchema, members: TProperties): TSchema {
  return closed({ ...propertiesOf(schema), ...members });
}

/** What a server answers, handed on whole: a newer one may say more. */
function handedOn(schema: TSchema, members: TProperties): TSchema {
  return Type.Object({ ...propertiesOf(schema), ...members }, { additionalProperties: true });
}

function without(schema: TSchema, name: string): TProperties {
  return Object.fromEntries(Object.entries(propertiesOf(schema)).filter(([each]) => each !== name));
}

/** A secret that is printed, or lies in the file that `--out` names. */
function secretOr(schema: TSchema, secret: string, file: string): TSchema {
  return Type.Union([schema, closed({ ...without(schema, secret), [file]: Text })]);
}

const Urls = closed({ license: Type.Optional(Text), api: Type.Optional(Text), gateway: Type.Optional(Text), issuer: Type.Optional(Text) });
const SignedBy = closed({ kid: Text, purpose: Text });
const LicenseNow = handedOn(installLicense.output, { license_file: Text, is_server_running: Flag });
const Client = closed({ client: Open });
const MadeClient = closed({ client: Open, client_secret: MaybeText });
const OneSite = closed({ site: FederationSite });
const OneProvider = closed({ provider: Provider });
const Build = { version: Text, built_at: MaybeText, runtime: Text, platform: Text };
const Identity = closed({
  api_url: Text,
  profile: MaybeText,
  user: closed({ id: Id, display_name: Text, email_address: Text }),
  device: Type.Union([closed({ id: Id, display_name: Text, team_id: Id, team_name: Text }), Type.Null()]),
});
const SignedOut = closed({ profile: Text, is_signed_out: True });
const Sent = closed({ webhook_id: Text, delivery_id: Id });
const Deleted = closed({ id: Text, is_deleted: True });
const Revoked = closed({ id: Text, is_revoked: True });
const Help = Type.Object({ command: Text, purpose: Text, usage: Text, notes: list(Text), flags: list(closed({ flag: Text, placeholder: Text, variable: MaybeText, default: Text, help: Text })) }, { additionalProperties: false });
const Check = closed({ name: Text, status: Type.Union(["ok", "warning", "problem", "skipped"].map((each) => Type.Literal(each))), message: Text, hint: MaybeText });

/** Undefined: it prints no JSON object. */
export const answerSchemas: Readonly<Record<CommandName, TSchema | undefined>> = {
  serve: closed({ urls: Urls, data_dir: Text }),
  trial: closed({ urls: Urls, setup_url: MaybeText, license: closed({ state: MaybeText, ends_at: MaybeInstant }), data_dir: Text, started_at: Instant }),
  "license status": handedOn(installLicense.output, { server_address: Text }),
  "license inspect": Type.Union([closed({ license: Open, signed_by: SignedBy, dates: Text }), closed({ revocation: Open, signed_by: SignedBy })]),
  "license test": testLicense.output,
  "license install": LicenseNow,
  "license reload": LicenseNow,
  "license fingerprint": closed({ deployment_id: Text, parts: list(Text) }),
  "license join-token": closed({ join_token: Text, ...without(createJoinToken.output, "token") }),
  "license clients": Type.Union([closed({ clients: listLeaseClients.output }), closed({ revoked: Text })]),
  "admin create": closed({ user_id: Id, team_id: Type.Union([Id, Type.Null()]), email_address: Text, is_first: Flag, data_dir: Text }),
  "admin setup-link": closed({ setup_url: Text, expires_at: Instant, is_server_running: Flag }),
  "admin reset-link": extended(Link, { email_address: Text }),
  "admin reset-factor": closed({ email_address: Text }),
  "tls init": closed({ is_new_authority: Flag, hosts: list(Text), authority_file: Text, cert_file: Text, key_file: Text, certificates: list(Certificate) }),
  "release verify": closed({ release: Text, version: Text, target: Text, built_at: Whole, upgrades_from: Text, files: Whole, bytes: Whole, release_key: Text, key_list_serial: Whole }),
  upgrade: closed({ version: Text, previous_version: Text, backup: Text, release_key: Text, is_served: Flag, data_dir: Text }),
  rollback: closed({ version: Text, previous_version: Text, is_served: Flag }),
  "tls show": closed({ cert_file: Text, certificates: list(Certificate) }),
  "federation site-key": closed({ ...propertiesOf(readFederationSiteKey.output), out: MaybeText }),
  "federation bundle export": closed({ ...propertiesOf(exportFederationBundle.output), out: MaybeText }),
  "federation bundle add": OneSite,
  "federation bundle list": closed({ sites: list(FederationSite) }),
  "federation bundle rules": OneSite,
  "federation bundle remove": removeFederationSite.output,
  "federation people link": closed({ site_id: Text, subject: Text, user_id: Text }),
  "federation keys export": closed({ ...propertiesOf(exportFederationKeys.output), out: MaybeText }),
  "federation keys import": importFederationKeys.output,
  "federation keys status": readFederationKeys.output,
  "federation keys lead": closed({ is_leader: True }),
  "oidc keys list": closed({ keys: listSigningKeys.output }),
  "oidc keys rotate": closed({ changes: rotateSigningKeys.output }),
  "oidc keys revoke": closed({ kid: Text, revoked_at: Whole, successor: MaybeText }),
  "oidc keys add": closed({ added: addSigningKey.output }),
  "oidc clients list": closed({ clients: list(Open) }),
  "oidc clients show": Client,
  "oidc clients create": MadeClient,
  "oidc clients update": MadeClient,
  "oidc clients disable": Client,
  "oidc clients enable": Client,
  "oidc clients delete": closed({ deleted: Text }),
  "oidc clients rotate-secret": closed({ client_id: Text, client_secret: Text, overlap_seconds: Whole }),
  "oidc clients token": api("initial_access_token.create"),
  "oidc providers list": closed({ providers: list(Provider) }),
  "oidc providers show": OneProvider,
  "oidc providers create": OneProvider,
  "oidc providers update": OneProvider,
  "oidc providers disable": OneProvider,
  "oidc providers enable": OneProvider,
  "oidc providers delete": closed({ deleted: Text }),
  "audit export": undefined,
  "audit verify": extended(verifyAudit.output, { is_whole: Flag }),
  "audit list": listAudit.output,
  "backup create": createBackup.output,
  "backup verify": closed({ id: Id, created_at: Whole, version: Text, schema: Type.Union([Whole, Type.Null()]), engine: Text, files: Whole, bytes: Whole, is_encrypted: Flag, signer: Text, is_signer_known: Flag }),
  "backup restore": closed({
    id: Id,
    created_at: Whole,
    signer: Text,
    files: Whole,
    replaced: Flag,
    carried_over: Type.Union([closed({ is_descendant: Flag, changed: Type.Record(Text, Whole), audit_rows_lost: Whole }), Type.Null()]),
    data_dir: Text,
  }),
  "backup drill": drillBackup.output,
  "backup schedule": readBackupStatus.output,
  "backup key": closed({ recipient: Text, identity_file: Text }),
  "users list": api("user.list"),
  "users show": api("user.read"),
  "users create": api("user.create"),
  "users update": closed({ id: Id }),
  "users disable": api("user.disable"),
  "users enable": api("user.enable"),
  "users delete": Deleted,
  "deployment teams": api("team.list_all"),
  "deployment quotas": readDeploymentQuotas.output,
  "teams list": api("team.list"),
  "teams create": api("team.create"),
  "teams show": api("team.read"),
  "teams rename": api("team.update"),
  "teams transfer": api("team.transfer"),
  "teams delete": Deleted,
  "members list": api("member.list"),
  "members set-role": api("member.set_role"),
  "members remove": closed({ user_id: Text, is_removed: True }),
  "invitations list": api("invitation.list"),
  "invitations create": api("invitation.create"),
  "invitations cancel": closed({ id: Text, is_cancelled: True }),
  "keys list": api("credential.list"),
  "keys create": secretOr(api("credential.create"), "raw_key", "key_file"),
  "keys rotate": secretOr(api("credential.rotate"), "raw_key", "key_file"),
  "keys revoke": Revoked,
  "keys scan": closed({
    found: list(closed({ file: Text, line: Whole, offset: Whole, kind: Text, key_prefix: Text })),
    files: Whole,
    bytes: Whole,
    unread: list(closed({ file: Text, problem: Text })),
    is_complete: Flag,
  }),
  quotas: api("quota.read"),
  "notifications list": api("notification.list"),
  "notifications read": api("notification.read"),
  "notifications read-all": api("notification.read_all"),
  "workflows list": api("workflow.list_runtime"),
  "workflows show": api("workflow.read_by_slug"),
  "workflows import": api("workflow.import"),
  "workflows delete": Deleted,
  run: Type.Union([api("task.run"), api("task.read_result")]),
  "tasks list": api("task.list"),
  "tasks show": api("task.read"),
  "tasks result": api("task.read_result"),
  "tasks cancel": closed({ id: Text, is_cancelled: True }),
  "tasks follow": api("task.read_result"),
  "files upload": closed({ file_key: Text, file_size: Whole, content_type: Text }),
  "files download": closed({ file_key: Text, file: Text }),
  "webhooks list": api("webhook.list"),
  "webhooks show": api("webhook.read"),
  "webhooks create": secretOr(api("webhook.create"), "webhook_secret", "secret_file"),
  "webhooks update": api("webhook.update"),
  "webhooks delete": Deleted,
  "webhooks rotate-secret": secretOr(extended(api("webhook.rotate_secret"), { id: Text }), "webhook_secret", "secret_file"),
  "webhooks test": Sent,
  "webhooks deliveries": api("webhook_delivery.list"),
  "webhooks delivery": api("webhook_delivery.read"),
  "webhooks replay": Sent,
  "containers list": api("container.list_runtime"),
  "containers show": api("container.read"),
  "containers create": api("container.create"),
  "containers update": api("container.update"),
  "containers deploy": extended(api("container.deploy"), { service_slug: Text }),
  "containers stop": extended(api("container.stop"), { service_slug: Text }),
  "containers delete": Deleted,
  "tunnels open": api("tunnel.open"),
  "tunnels list": api("tunnel.read"),
  "tunnels close": closed({ agent_id: Text, session_id: MaybeText, is_closed: True }),
  "tunnels forward": closed({ host: Text, port: Whole, session_id: Text, expires_at: Instant }),
  "agents list": api("agent.list"),
  login: Identity,
  logout: SignedOut,
  whoami: Identity,
  "devices list": closed({ devices: list(Open) }),
  "devices revoke": Revoked,
  "agent run": undefined,
  "agent install": Type.Union([closed({ unit: Text }), closed({ unit_file: Text, next_steps: list(Text) })]),
  "agent diag": extended(AgentStatus, { is_alive: Flag }),
  "agent drain": closed({ agent_id: Text, is_draining: True }),
  doctor: closed({ checks: list(Check), problems: Whole, warnings: Whole }),
  "verify-self": closed({ ...Build, executable: Text, sha256: Text, verdict: Text, release_key: MaybeText, trusted_keys: list(SignedBy) }),
  version: closed(Build),
  help: Type.Union([Help, closed({ commands: list(Help) })]),
  schema: closed({ command: Text, answer: Open, failure: Open }),
  completion: closed({ shell: Text, script: Text }),
  man: closed({ page: Text }),
};

const checkers = new Map<CommandName, Shape<unknown>>();

function checkerOf(name: CommandName, schema: TSchema): Shape<unknown> {
  const checker = checkers.get(name) ?? shapeOf(schema);
  checkers.set(name, checker);
  return checker;
}

/** What is wrong with what a command is about to print, or undefined. */
export function findCommandProblem(name: CommandName, data: object): string | undefined {
  const schema = answerSchemas[name];
  if (schema === undefined) return `cyberun ${name} prints an object, and no schema says which.`;
  const sent: unknown = JSON.parse(JSON.stringify(data));
  const checker = checkerOf(name, schema);
  if (checker.Check(sent)) return undefined;
  const [first] = checker.Errors(sent);
  return `What cyberun ${name} prints is not as its schema says at ${first?.instancePath || "/"}: ${first?.message ?? ""}. It is ${JSON.stringify(sent).slice(0, 500)}`;
}
