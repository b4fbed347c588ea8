/**
 * What each documented operation of the API answers when it succeeds: status and shape. The reference is made from it, and
 * the tests hold every answer to it, member by member.
 *
 * Rule: a member that is not here is not in an answer.
 */
import { type TSchema, Type } from "typebox";
import { type Shape, shapeOf } from "../../shape.ts";
import type { OperationName } from "../../gate/operations.ts";
import * as shapes from "./answer-shapes.ts";
import * as deployment from "./deployment-shapes.ts";

export interface Answer {
  readonly status: number;
  /** Undefined: no body. */
  readonly schema?: TSchema;
  readonly mediaType?: string;
}

const ok = (schema: TSchema): Answer => ({ status: 200, schema });
const created = (schema: TSchema): Answer => ({ status: 201, schema });
const accepted = (schema: TSchema): Answer => ({ status: 202, schema });
const nothing: Answer = { status: 204 };

const { closed, Id, Instant, MaybeInstant, Success, Text, Tokens, page, Link } = shapes;

export const answers = {
  "session.create": ok(Tokens),
  "session.complete": ok(Tokens),
  "session.refresh": ok(Tokens),
  "session.end": nothing,
  "session.list": ok(closed({ session_list: Type.Array(shapes.Session) })),
  "session.end_own": nothing,
  "session.end_others": ok(closed({ ended: Type.Integer() })),
  "upstream_sign_in.exchange": ok(Tokens),
  "upstream_identity.list": ok(closed({ identities: Type.Array(shapes.Identity) })),
  "upstream_identity.remove": nothing,
  "password_reset.request": accepted(Success),
  "password_reset.complete": ok(Success),
  "password_reset.create_link": created(Link),
  "sign_up.create": accepted(closed({ next_step: Type.Union([Type.Literal("verify_email"), Type.Literal("sign_in")]) })),
  "email_verification.request": accepted(Success),
  "email_verification.complete": ok(Success),
  "device.list": ok(page("device_list", shapes.Device)),
  "device.revoke": nothing,
  "device.revoke_self": nothing,
  "pairing.start": ok(closed({ device_code: Text, user_code: Text, verification_uri: Text, expires_in: Type.Integer(), interval: Type.Integer() })),
  "pairing.poll": ok(closed({ status: Text, raw_key: Type.Optional(Text), agent_key: Type.Optional(Text) })),
  "pairing.confirm": nothing,
  "user.read_self": ok(shapes.Profile),
  "user.update_self": ok(closed({ id: Id })),
  "user.change_password": ok(Success),
  "user.list": ok(page("user_list", shapes.User)),
  "user.read": ok(shapes.User),
  "user.create": created(closed({ id: Id, reset_url: Text, expires_at: Instant })),
  "user.update": ok(Success),
  "user.disable": ok(Success),
  "user.enable": ok(Success),
  "user.delete": nothing,
  "second_factor.read": ok(closed({ is_enrolled: Type.Boolean(), is_locked: Type.Boolean(), recovery_codes_left: Type.Integer() })),
  "second_factor.enrol": ok(closed({ secret: Text, otpauth_url: Text })),
  "second_factor.confirm": ok(shapes.RecoveryCodes),
  "second_factor.renew_codes": ok(shapes.RecoveryCodes),
  "second_factor.remove": nothing,
  "second_factor.reset": nothing,
  "passkey.list": ok(closed({ passkey_list: Type.Array(shapes.Passkey) })),
  "passkey.begin_proof": ok(shapes.WebAuthnOptions),
  "passkey.enrol": ok(shapes.WebAuthnOptions),
  "passkey.add": created(closed({ passkey: shapes.Passkey, recovery_codes: Type.Union([Type.Array(Text), Type.Null()]) })),
  "passkey.remove": nothing,
  "consent.list": ok(closed({ consent_list: Type.Array(closed({ client_id: Text, client_name: Text, scope: Text, granted_at: Instant })) })),
  "consent.revoke": nothing,
  "membership.list_own": ok(page("membership_list", closed({ team_id: Id, display_name: Text, role: Text, created_at: Instant }))),
  "team.list": ok(page("team_list", closed({ id: Id, display_name: Text, role: Text, created_at: Instant }))),
  "team.list_all": ok(page("team_list", closed({ id: Id, display_name: Text, owner_id: Type.Union([Id, Type.Null()]), owner_email_address: Type.Union([Text, Type.Null()]), member_count: Type.Integer(), created_at: Instant }))),
  "team.create": created(closed({ id: Id })),
  "team.read": ok(closed({ id: Id, display_name: Text, role: Text, owner_id: Id, member_count: Type.Integer(), created_at: Instant })),
  "team.update": ok(closed({ id: Id })),
  "team.transfer": ok(Success),
  "team.delete": nothing,
  "quota.read": ok(closed({ quota_list: Type.Array(closed({ namespace: Text, key: Text, limit: Type.Integer(), used: Type.Union([Type.Integer(), Type.Null()]) })) })),
  "member.list": ok(page("member_list", shapes.Member)),
  "member.set_role": ok(Success),
  "member.remove": nothing,
  "invitation.create": created(closed({ id: Id, invitation_token: Type.Optional(Text), invitation_url: Type.Optional(Text) })),
  "invitation.list": ok(page("invitation_list", shapes.Invitation)),
  "invitation.cancel": nothing,
  "invitation.check": ok(closed({ team_display_name: Text, email_address: Text, invitation_role: Text, expires_at: Instant })),
  "invitation.accept": ok(closed({ team_id: Id, role: Text })),
  "invitation.decline": ok(Success),
  "invitation.sign_up": created(closed({ user_id: Id, email_address: Text, team_id: Id, role: Text })),
  "credential.list": ok(page("credentials", shapes.Credential)),
  "credential.create": created(closed({ id: Id, kind: Text, key_prefix: Text, raw_key: Text })),
  "credential.rotate": ok(closed({ id: Id, kind: Text, key_prefix: Text, raw_key: Text, previous_key_expires_at: MaybeInstant })),
  "credential.revoke": nothing,
  "workflow.list_runtime": ok(page("workflow_list", shapes.Workflow)),
  "workflow.read_runtime": ok(shapes.WorkflowDetail),
  "workflow.read_by_slug": ok(shapes.WorkflowDetail),
  "workflow.list": ok(page("workflow_list", shapes.Workflow)),
  "workflow.read": ok(shapes.WorkflowDetail),
  "workflow.create": created(closed({ id: Id })),
  "workflow.import": ok(closed({ id: Id })),
  "workflow.update": ok(closed({ id: Id })),
  "workflow.delete": nothing,
  "workflow_snapshot.list": ok(page("snapshot_list", shapes.Snapshot)),
  "workflow_snapshot.read": ok(shapes.SnapshotDetail),
  "workflow_snapshot.restore": ok(closed({ id: Id })),
  "file.presign": ok(closed({ file_key: Text, upload_url: Text, upload_headers: Type.Record(Type.String(), Text) })),
  "file.presign_download": ok(closed({ download_url: Text, expires_at: Instant })),
  "file.receive": nothing,
  "file.open": { status: 200, schema: Text, mediaType: "application/octet-stream" },
  "webhook.list": ok(page("webhook_list", shapes.Webhook)),
  "webhook.read": ok(shapes.Webhook),
  "webhook.create": created(closed({ id: Id, webhook_secret: Text })),
  "webhook.update": ok(closed({ id: Id })),
  "webhook.delete": nothing,
  "webhook.rotate_secret": ok(closed({ webhook_secret: Text, previous_secret_expires_at: MaybeInstant })),
  "webhook.test": accepted(closed({ delivery_id: Id })),
  "webhook_delivery.list": ok(page("delivery_list", shapes.Delivery)),
  "webhook_delivery.read": ok(shapes.DeliveryDetail),
  "webhook_delivery.replay": accepted(closed({ delivery_id: Id })),
  "webhook_delivery.replay_range": accepted(closed({ replayed: Type.Integer(), next_since: MaybeInstant })),
  "task.run": accepted(closed({ task_id: Id })),
  "task.run_by_slug": accepted(closed({ task_id: Id })),
  "task.list": ok(page("task_list", shapes.Task)),
  "task.read": ok(shapes.Task),
  "task.read_result": ok(shapes.TaskResult),
  "task.cancel": ok(Success),
  "task.follow": { status: 200, schema: Text, mediaType: "text/event-stream" },
  "container.list": ok(page("service_list", shapes.ContainerService)),
  "container.read": ok(shapes.ContainerService),
  "container.create": created(closed({ id: Id })),
  "container.update": ok(closed({ id: Id })),
  "container.delete": nothing,
  "container.deploy": accepted(shapes.ContainerStatus),
  "container.stop": accepted(shapes.ContainerStatus),
  "container.list_runtime": ok(page("service_list", shapes.RuntimeContainerService)),
  "container.read_by_slug": ok(shapes.RuntimeContainerService),
  "container.invoke": ok(shapes.Invoked),
  "tunnel.open": created(shapes.OpenedTunnel),
  "tunnel.read": ok(shapes.Tunnels),
  "tunnel.close": nothing,
  "agent.list": ok(page("agent_list", shapes.Agent)),
  "agent.list_runtime": ok(page("agent_list", shapes.Agent)),
  "notification.list": ok(shapes.NotificationPage),
  "notification.read": ok(Success),
  "notification.read_all": ok(closed({ read: Type.Integer() })),
  "entitlements.read": ok(shapes.LicenseStatus),
  "license.upload": ok(Success),
  "license.request_test": ok(deployment.LicenseTest),
  "system.read": ok(deployment.System),
  "signing_key.list": ok(closed({ signing_keys: Type.Array(deployment.SigningKey) })),
  "signing_key.rotate": ok(closed({ changes: Type.Array(closed({ alg: Text, kid: Text, active_from: Instant, retires: Type.Union([Text, Type.Null()]) })) })),
  "signing_key.revoke": ok(closed({ kid: Text, revoked_at: Instant, successor: Type.Union([Text, Type.Null()]) })),
  "license.request_reload": ok(Success),
  "oidc_client.list": ok(closed({ clients: Type.Array(shapes.Client), next: Type.Optional(Text) })),
  "oidc_client.read": ok(shapes.Client),
  "oidc_client.create": created(shapes.MadeClient),
  "oidc_client.update": ok(shapes.MadeClient),
  "oidc_client.delete": nothing,
  "oidc_client.rotate_secret": ok(closed({ client_secret: Text, overlap_seconds: Type.Integer() })),
  "initial_access_token.create": created(closed({ initial_access_token: Text, expires_at: Instant })),
  "federation_site_key.read": ok(closed({ fingerprint: Text, issuer: Text, api_url: Text, site_key: Text })),
  "federation_bundle.publish": { status: 200, schema: Text, mediaType: "application/jose" },
  "federation_keys.pull": ok(closed({ keys: Text })),
  "federation_keys.read": ok(
    closed({ standing: Text, state: Text, sequence: Type.Integer(), leader: Type.Union([Text, Type.Null()]), known_until: MaybeInstant, imported_at: MaybeInstant, problem: Type.Union([Text, Type.Null()]) }),
  ),
  "federation_bundle.export": ok(closed({ bundle: Text, fingerprint: Text, sequence: Type.Integer(), expires_at: Instant })),
  "federation_site.add": created(shapes.FederationSite),
  "federation_site.import": ok(shapes.FederationSite),
  "federation_site.list": ok(closed({ sites: Type.Array(shapes.FederationSite) })),
  "federation_site.read": ok(shapes.FederationSite),
  "federation_site.update": ok(shapes.FederationSite),
  "federation_site.remove": ok(closed({ id: Text, sessions: Type.Integer(), accounts: Type.Integer() })),
  "federation_person.link": nothing,
  "federation_token.issue": ok(closed({ access_token: Text, token_type: Type.Literal("Bearer"), expires_in: Type.Integer(), api_url: Text })),
  "upstream_provider.list": ok(closed({ providers: Type.Array(shapes.Provider) })),
  "upstream_provider.read": ok(shapes.Provider),
  "upstream_provider.create": created(shapes.Provider),
  "upstream_provider.update": ok(shapes.Provider),
  "upstream_provider.delete": nothing,
  "backup.read_status": ok(deployment.BackupStatus),
  "audit.list": ok(page("audit_list", shapes.AuditRecord)),
  "audit.export": { status: 200, schema: Text, mediaType: "application/jsonl" },
} as const satisfies Partial<Record<OperationName, Answer>>;

/** The documented answer of an operation; undefined for one that has no door in the API. */
export function findAnswer(name: OperationName): Answer | undefined {
  const all: Partial<Record<OperationName, Answer>> = answers;
  return all[name];
}

const checkers = new Map<OperationName, Shape<unknown>>();

function checkerOf(name: OperationName, schema: TSchema): Shape<unknown> {
  const checker = checkers.get(name) ?? shapeOf(schema);
  checkers.set(name, checker);
  return checker;
}

/** What is wrong with an answer that is about to be sent, or undefined. A `Response` made by the door speaks for itself. */
export function findAnswerProblem(name: OperationName, status: number, value: unknown): string | undefined {
  if (value instanceof Response) return undefined;
  const answer = findAnswer(name);
  if (answer === undefined) return `The answer of ${name} is not documented.`;
  if (answer.status !== status) return `${name} answers ${status}, and ${answer.status} is documented.`;
  if (answer.schema === undefined) return value === undefined ? undefined : `${name} answers with a body, and none is documented.`;
  const checker = checkerOf(name, answer.schema);
  // As it travels: members that are undefined do not.
  const sent: unknown = JSON.parse(JSON.stringify(value ?? null));
  if (checker.Check(sent)) return undefined;
  const [first] = checker.Errors(sent);
  return `The answer of ${name} is not as documented at ${first?.instancePath || "/"}: ${first?.message ?? ""}.`;
}
