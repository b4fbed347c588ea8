/**
 * Surfaces: which kinds of caller a group of operations is for. The documented matrix of credentials, as data.
 *
 *                      user  device  integration  agent
 *     management        yes     yes
 *     runtime           yes     yes          yes
 *     per_user          yes     yes
 *     own_access        yes
 *     own_device                yes
 *     credentials       yes
 *     mcp                                    yes
 *     gateway                                         yes
 *
 * Rule: each operation belongs to one surface, and the gate lets nobody in whom the surface does not admit, whatever the
 * row says. An operation without a surface does not compile. No key opens a surface that changes how anybody gets in:
 * otherwise a stolen key could make itself outlive its revocation.
 */
import type { CallerKind } from "./caller.ts";
import type { OperationName } from "./operations.ts";

interface SurfaceRow {
  readonly admits: readonly CallerKind[];
  /** The rows of the surface accept exactly these; elsewhere a row may accept fewer. */
  readonly isExact?: true;
  /** What is done there changes how somebody gets in: passwords, factors, sessions, keys, clients. */
  readonly changesIdentity?: true;
}

export const surfaces = {
  management: { admits: ["user", "device"], isExact: true },
  runtime: { admits: ["user", "device", "integration"], isExact: true },
  per_user: { admits: ["user", "device"], isExact: true },
  own_access: { admits: ["user"], isExact: true, changesIdentity: true },
  credentials: { admits: ["user"], isExact: true, changesIdentity: true },
  /** A device about itself. */
  own_device: { admits: ["device"], isExact: true },
  mcp: { admits: ["integration"], isExact: true },
  gateway: { admits: ["agent"], isExact: true },
  /** Administrators and the operator on the host, about other people and the deployment. */
  administration: { admits: ["user", "operator"], changesIdentity: true },
  /** Whoever is not signed in yet. */
  sign_in: { admits: ["anonymous"], isExact: true, changesIdentity: true },
  /** Whoever holds an invitation into a team, with an account or without. A device is bound to a team and joins no other. */
  invited: { admits: ["anonymous", "user"], changesIdentity: true },
  /** OAuth and OpenID Connect: clients and tokens of others stand in the request, not in the caller. */
  issuer: { admits: ["anonymous", "user"], changesIdentity: true },
  license_server: { admits: ["anonymous", "user", "lease_client", "operator", "system"] },
  /** The operator on the host, and jobs of ours. */
  host: { admits: ["operator", "system"], changesIdentity: true },
  /** What anybody may read. */
  public: { admits: ["anonymous", "user", "device", "integration", "agent", "operator", "system"] },
} as const satisfies Record<string, SurfaceRow>;

export type Surface = keyof typeof surfaces;

export const surfaceOf = {
  "deployment.read": "public",
  "setup_link.create": "host",
  "setup_link.check": "sign_in",
  "setup.complete": "sign_in",
  "administrator.create": "host",
  "session.create": "sign_in",
  "session.complete": "sign_in",
  "session.create_by_passkey": "sign_in",
  "session.refresh": "sign_in",
  "session.end": "own_access",
  "session.list": "own_access",
  "session.end_own": "own_access",
  "session.end_others": "own_access",
  "user.read_self": "per_user",
  "user.update_self": "per_user",
  "notification.list": "per_user",
  "notification.read": "per_user",
  "notification.read_all": "per_user",
  "notification.produce": "host",
  "user.list": "administration",
  "user.read": "administration",
  "user.create": "administration",
  "user.update": "administration",
  "user.disable": "administration",
  "user.enable": "administration",
  "user.delete": "administration",
  "user.change_password": "own_access",
  "password_reset.request": "sign_in",
  "password_reset.create_link": "administration",
  "password_reset.check": "sign_in",
  "password_reset.complete": "sign_in",
  "password_reset.offer": "sign_in",
  "sign_up.check": "sign_in",
  "sign_up.create": "sign_in",
  "email_verification.request": "own_access",
  "email_verification.complete": "sign_in",
  "outbox.deliver": "host",
  "second_factor.read": "own_access",
  "second_factor.enrol": "own_access",
  "second_factor.confirm": "own_access",
  "second_factor.renew_codes": "own_access",
  "second_factor.remove": "own_access",
  "second_factor.reset": "administration",
  "passkey.begin_sign_in": "sign_in",
  "passkey.begin_proof": "own_access",
  "passkey.list": "own_access",
  "passkey.enrol": "own_access",
  "passkey.add": "own_access",
  "passkey.remove": "own_access",
  "upstream_provider.create": "administration",
  "upstream_provider.list": "administration",
  "upstream_provider.read": "administration",
  "upstream_provider.update": "administration",
  "upstream_provider.delete": "administration",
  "upstream_provider.list_offered": "sign_in",
  "upstream_sign_in.start": "sign_in",
  "upstream_sign_in.finish": "sign_in",
  "upstream_sign_in.exchange": "sign_in",
  "upstream_identity.prepare": "sign_in",
  "upstream_identity.connect": "own_access",
  "upstream_identity.list": "own_access",
  "upstream_identity.remove": "own_access",
  "membership.list_own": "per_user",
  "team.list": "management",
  "team.list_all": "administration",
  "team.create": "management",
  "team.read": "management",
  "team.update": "management",
  "team.transfer": "management",
  "team.delete": "management",
  "member.list": "management",
  "member.set_role": "management",
  "member.remove": "management",
  "invitation.create": "management",
  "invitation.list": "management",
  "invitation.cancel": "management",
  "invitation.check": "invited",
  "invitation.accept": "invited",
  "invitation.decline": "invited",
  "invitation.sign_up": "invited",
  "quota.read": "management",
  "quota.read_deployment": "host",
  "credential.create": "credentials",
  "credential.list": "credentials",
  "credential.rotate": "credentials",
  "credential.revoke": "credentials",
  "credential.note_use": "host",
  "pairing.start": "sign_in",
  "pairing.poll": "sign_in",
  "pairing.read": "credentials",
  "pairing.confirm": "credentials",
  "pairing.refuse": "credentials",
  "device.list": "per_user",
  "device.revoke": "per_user",
  "device.revoke_self": "own_device",
  "workflow.list_runtime": "runtime",
  "workflow.read_runtime": "runtime",
  "workflow.read_by_slug": "runtime",
  "workflow.list": "management",
  "workflow.read": "management",
  "workflow.create": "management",
  "workflow.import": "management",
  "workflow.update": "management",
  "workflow.delete": "management",
  "workflow_snapshot.list": "management",
  "workflow_snapshot.read": "management",
  "workflow_snapshot.restore": "management",
  "agent.connect": "gateway",
  "signing_key.list_public": "public",
  "signing_key.prepare": "host",
  "oidc_client.create": "administration",
  "oidc_client.prepare": "host",
  "oidc_client.list": "administration",
  "oidc_client.list_origins": "host",
  "oidc_client.read": "administration",
  "oidc_client.update": "administration",
  "oidc_client.delete": "administration",
  "oidc_client.authenticate": "issuer",
  "dpop_proof.take": "issuer",
  "token.issue": "issuer",
  "initial_access_token.create": "administration",
  "oidc_client.register": "issuer",
  "oidc_client.read_registration": "issuer",
  "oidc_client.update_registration": "issuer",
  "oidc_client.delete_registration": "issuer",
  "token.introspect": "issuer",
  "token.revoke": "issuer",
  "oidc_client.rotate_secret": "administration",
  "authorization.start": "issuer",
  "authorization.push": "issuer",
  "authorization.continue": "issuer",
  "authorization.decide": "issuer",
  "device_authorization.start": "issuer",
  "device_authorization.read": "issuer",
  "device_authorization.decide": "issuer",
  "sign_in.start": "issuer",
  "userinfo.read": "issuer",
  "logout.prepare": "issuer",
  "logout_notice.deliver": "host",
  "consent.list": "own_access",
  "consent.revoke": "own_access",
  "signing_key.add": "host",
  "signing_key.list": "host",
  "signing_key.rotate": "host",
  "signing_key.rotate_due": "host",
  "signing_key.revoke": "host",
  "signing_key.note_life": "host",
  "audit.list": "administration",
  "audit.export": "administration",
  "audit.verify": "host",
  "license.read": "public",
  "license.test": "administration",
  "license.install": "license_server",
  "license.reload": "license_server",
  "license.upload": "administration",
  "license.request_reload": "administration",
  "entitlements.read": "management",
  "license.start": "host",
  "license.mark_time": "host",
  "license.change_state": "host",
  "license.learn": "license_server",
  "lease.grant": "license_server",
  "lease_client.enrol": "license_server",
  "lease_client.list": "host",
  "lease_client.revoke": "host",
  "join_token.create": "host",
} as const satisfies Record<OperationName, Surface>;

/** The row of the operation's surface as its general type. */
export function surfaceRowOf(name: OperationName): SurfaceRow {
  return surfaces[surfaceOf[name]];
}
