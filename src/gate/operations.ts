/**
 * The total table of operations: who may call it, what the license must say, and what it is for.
 *
 * Rule: no row, no operation. Routes, CLI commands and jobs all enter through a row; the docs' operations table and
 * the feature matrix are printed from here. The set is closed and every row has exactly one implementation.
 */
import type { Qualified } from "../license/entitlements.ts";
import type { CallerKind } from "./caller.ts";

/**
 * `core`: always allowed, whatever the license says. `licensed`: needs a good license.
 * A feature: needs a good license that carries it.
 */
export type LicenseNeed = "core" | "licensed" | Qualified;

export interface OperationRow {
  readonly accepts: readonly CallerKind[];
  readonly license: LicenseNeed;
  /** Caps that the operation consumes, in the same statement as its insert. */
  readonly quotas?: readonly Qualified[];
  /** `ledger`: kept in a table of its own instead of one audit row for each call, because it is too frequent. */
  readonly audit?: "ledger";
  /** A repeat with the same Idempotency-Key does it once. For callers with a credential. */
  readonly takesIdempotencyKey?: true;
  readonly purpose: string;
}

const team = (key: string): Qualified => ({ namespace: "team", key });
const account = (key: string): Qualified => ({ namespace: "account", key });
const global = (key: string): Qualified => ({ namespace: "global", key });

export const operations = {
  "deployment.read": { accepts: ["anonymous", "user", "device", "operator", "system"], license: "core", purpose: "Read the deployment's name and whether it is set up." },
  "setup_link.create": { accepts: ["operator", "system"], license: "core", purpose: "Make a single-use link for first-run set-up." },
  "setup_link.check": { accepts: ["anonymous"], license: "core", purpose: "Say whether a set-up link is still good." },
  "setup.complete": { accepts: ["anonymous"], license: "core", purpose: "Use a set-up link: first administrator, deployment name, first team." },
  "administrator.create": { accepts: ["operator"], license: "core", purpose: "Create an administrator on the host." },
  "session.create": { accepts: ["anonymous"], license: "core", purpose: "Sign in with email address and password, or begin to where there is a second factor." },
  "session.complete": { accepts: ["anonymous"], license: "core", purpose: "End a sign-in with the second factor." },
  "session.create_by_passkey": { accepts: ["anonymous"], license: "core", purpose: "Sign in with a passkey alone." },
  "session.refresh": { accepts: ["anonymous"], license: "core", purpose: "Exchange a refresh token for new tokens." },
  "session.end": { accepts: ["user"], license: "core", purpose: "Sign out." },
  "session.list": { accepts: ["user"], license: "core", purpose: "See where one is signed in." },
  "session.end_own": { accepts: ["user"], license: "core", purpose: "End one of the own sessions." },
  "session.end_others": { accepts: ["user"], license: "core", purpose: "End all of the own sessions but the one at hand." },
  "user.read_self": { accepts: ["user", "device"], license: "core", purpose: "Read the own profile with its feature flags." },
  "user.update_self": { accepts: ["user", "device"], license: "core", purpose: "Change the own names." },
  "user.list": { accepts: ["user", "operator"], license: "core", purpose: "List the accounts of the deployment (administrators)." },
  "user.read": { accepts: ["user", "operator"], license: "core", purpose: "Read an account (administrators)." },
  "user.create": {
    accepts: ["user", "operator"],
    license: "licensed",
    quotas: [global("max_users")],
    takesIdempotencyKey: true,
    purpose: "Create an account and a link by which its person chooses a password (administrators).",
  },
  "user.update": { accepts: ["user", "operator"], license: "core", purpose: "Change an account's names, and whether it is an administrator (administrators)." },
  "user.disable": { accepts: ["user", "operator"], license: "core", purpose: "Shut an account and end its sessions (administrators)." },
  "user.enable": { accepts: ["user", "operator"], license: "core", purpose: "Open a disabled account again (administrators)." },
  "user.delete": { accepts: ["user", "operator"], license: "core", purpose: "Delete an account with everything that stands for its person (administrators)." },
  "user.change_password": { accepts: ["user"], license: "core", purpose: "Change the own password; every other session ends." },
  "password_reset.request": { accepts: ["anonymous"], license: global("email"), purpose: "Ask for a mail with a link to choose a new password." },
  "password_reset.create_link": { accepts: ["user", "operator"], license: "core", takesIdempotencyKey: true, purpose: "Make a link for somebody to choose a new password (administrators)." },
  "password_reset.check": { accepts: ["anonymous"], license: "core", purpose: "Say whether a password link is still good." },
  "password_reset.complete": { accepts: ["anonymous"], license: "core", purpose: "Use a password link; every session of the account ends." },
  "password_reset.offer": { accepts: ["anonymous"], license: global("email"), purpose: "Say whether a link for a new password can come by mail." },
  "sign_up.check": { accepts: ["anonymous"], license: global("registration"), purpose: "Say whether people may sign up here." },
  "sign_up.create": {
    accepts: ["anonymous"],
    license: global("registration"),
    quotas: [global("max_users")],
    purpose: "Sign up with email address and password.",
  },
  "email_verification.request": { accepts: ["user"], license: global("email"), purpose: "Ask for a mail that proves the own address." },
  "email_verification.complete": { accepts: ["anonymous"], license: "core", purpose: "Prove an address with the mailed link and the password; a sign-up ends with it." },
  "outbox.deliver": { accepts: ["system"], license: global("email"), audit: "ledger", purpose: "Hand mail that is due to the mail server." },
  "second_factor.read": { accepts: ["user"], license: "core", purpose: "Say whether the own account has a second factor." },
  "second_factor.enrol": { accepts: ["user"], license: "core", purpose: "Begin to enrol an authenticator; its secret is shown once." },
  "second_factor.confirm": { accepts: ["user"], license: "core", purpose: "End an enrolment with a first code; recovery codes are shown once." },
  "second_factor.renew_codes": { accepts: ["user"], license: "core", purpose: "Make new recovery codes; the old ones end." },
  "second_factor.remove": { accepts: ["user"], license: "core", purpose: "Remove the own second factor." },
  "second_factor.reset": { accepts: ["user", "operator"], license: "core", purpose: "Remove somebody's second factor (administrators)." },
  "passkey.begin_sign_in": { accepts: ["anonymous"], license: "core", purpose: "Get the question that a passkey answers to sign in." },
  "passkey.begin_proof": { accepts: ["user"], license: "core", purpose: "Get the question that a passkey answers to prove that its owner is there." },
  "passkey.list": { accepts: ["user"], license: "core", purpose: "List the own passkeys." },
  "passkey.enrol": { accepts: ["user"], license: "core", purpose: "Begin to add a passkey, with the password or another passkey." },
  "passkey.add": { accepts: ["user"], license: "core", purpose: "Add the passkey that the browser made; with the first, recovery codes are shown once." },
  "passkey.remove": { accepts: ["user"], license: "core", purpose: "Remove one of the own passkeys, with the password or a passkey." },
  "upstream_provider.create": { accepts: ["user", "operator"], license: global("oauth"), takesIdempotencyKey: true, purpose: "Add a provider by which people sign in (administrators)." },
  "upstream_provider.list": { accepts: ["user", "operator"], license: "core", purpose: "List the sign-in providers (administrators)." },
  "upstream_provider.read": { accepts: ["user", "operator"], license: "core", purpose: "Read what is set about a sign-in provider (administrators)." },
  "upstream_provider.update": { accepts: ["user", "operator"], license: "core", purpose: "Change or disable a sign-in provider (administrators)." },
  "upstream_provider.delete": { accepts: ["user", "operator"], license: "core", purpose: "Delete a sign-in provider (administrators)." },
  "upstream_provider.list_offered": { accepts: ["anonymous"], license: "core", purpose: "List the buttons of a sign-in page; none without the feature oauth." },
  "upstream_sign_in.start": { accepts: ["anonymous"], license: global("oauth"), purpose: "Begin to sign in at a provider." },
  "upstream_sign_in.finish": {
    accepts: ["anonymous"],
    license: global("oauth"),
    quotas: [global("max_users")],
    purpose: "Take a provider's answer: sign in, sign up, or ask for the account to connect.",
  },
  "upstream_sign_in.exchange": { accepts: ["anonymous"], license: global("oauth"), purpose: "Exchange the code that follows a sign-in at a provider for a session." },
  "upstream_identity.prepare": { accepts: ["anonymous"], license: global("oauth"), purpose: "Say which sign-in waits to be connected with an account." },
  "upstream_identity.connect": { accepts: ["user"], license: global("oauth"), purpose: "Connect a sign-in at a provider with the own account, just proven." },
  "upstream_identity.list": { accepts: ["user"], license: "core", purpose: "List the providers' sign-ins that lead to the own account." },
  "upstream_identity.remove": { accepts: ["user"], license: "core", purpose: "Remove one of them, but not the last way in." },
  "team.list": { accepts: ["user", "device"], license: "core", purpose: "List the teams one belongs to." },
  "team.list_all": { accepts: ["user", "operator"], license: "core", purpose: "List all teams of the deployment (administrators)." },
  "team.create": {
    accepts: ["user", "device"],
    license: account("manual_team_creation"),
    quotas: [global("max_teams"), account("max_owned_teams")],
    takesIdempotencyKey: true,
    purpose: "Create a team and own it.",
  },
  "team.read": { accepts: ["user", "device"], license: "core", purpose: "Read the team one speaks in." },
  "team.update": { accepts: ["user", "device"], license: "licensed", purpose: "Give the team another name." },
  "team.transfer": {
    accepts: ["user", "device"],
    license: "licensed",
    quotas: [account("max_owned_teams")],
    purpose: "Hand the team on to another member; the old owner becomes an admin.",
  },
  "team.delete": { accepts: ["user", "device"], license: "core", purpose: "Delete the team with everything it owns; its keys end at once." },
  "member.list": { accepts: ["user", "device"], license: "core", purpose: "List the team's members." },
  "member.set_role": { accepts: ["user", "device"], license: "core", purpose: "Give another member another role." },
  "member.remove": { accepts: ["user", "device"], license: "core", purpose: "Remove a member with the devices that spoke for them, or leave." },
  "invitation.create": {
    accepts: ["user", "device"],
    license: "licensed",
    quotas: [team("max_members")],
    takesIdempotencyKey: true,
    purpose: "Invite an address into the team with a role; the token is shown once where no mail is sent.",
  },
  "invitation.list": { accepts: ["user", "device"], license: "core", purpose: "List the team's invitations that nobody has answered." },
  "invitation.cancel": { accepts: ["user", "device"], license: "core", purpose: "Take an invitation back." },
  "invitation.check": { accepts: ["anonymous", "user"], license: "core", purpose: "Say what an invitation's token is an invitation to." },
  "invitation.accept": {
    accepts: ["user"],
    license: account("team_invitation_accept"),
    quotas: [team("max_members")],
    purpose: "Accept an invitation with the account of the invited address.",
  },
  "invitation.decline": { accepts: ["anonymous", "user"], license: "core", purpose: "Decline an invitation by its token." },
  "invitation.sign_up": {
    accepts: ["anonymous"],
    license: account("team_invitation_accept"),
    quotas: [global("max_users"), team("max_members")],
    purpose: "Make the account of an invited address and accept, also without self-service sign-up.",
  },
  "quota.read": { accepts: ["user", "device"], license: "core", purpose: "Read caps and use: of the own account, of the team, for administrators of the deployment." },
  "credential.create": {
    accepts: ["user"],
    license: "licensed",
    quotas: [team("max_integration_keys"), team("max_agents"), global("max_agents")],
    takesIdempotencyKey: true,
    purpose: "Create an integration or agent key; the secret is shown once.",
  },
  "credential.list": { accepts: ["user"], license: "core", purpose: "List the team's credentials." },
  "credential.rotate": { accepts: ["user"], license: "core", takesIdempotencyKey: true, purpose: "Make a new secret for a credential; the one before ends, at once or after an overlap." },
  "credential.note_use": { accepts: ["system"], license: "core", audit: "ledger", purpose: "Record when keys were last used." },
  "credential.revoke": { accepts: ["user"], license: "core", purpose: "Revoke a credential for good." },
  "pairing.start": { accepts: ["anonymous"], license: "licensed", audit: "ledger", purpose: "Note that a desktop or a command line asks to be paired." },
  "pairing.poll": { accepts: ["anonymous"], license: "core", quotas: [team("max_agents"), global("max_agents")], purpose: "Hand a paired device its keys, once." },
  "pairing.read": { accepts: ["user"], license: "core", purpose: "See what asks to be paired, by the code that it shows." },
  "pairing.confirm": { accepts: ["user"], license: "licensed", purpose: "Pair a device with oneself and a team." },
  "pairing.refuse": { accepts: ["user"], license: "core", purpose: "Refuse to pair a device." },
  "device.list": { accepts: ["user", "device"], license: "core", purpose: "List the own devices." },
  "device.revoke": { accepts: ["user", "device"], license: "core", purpose: "Revoke one of the own devices, with its agent key." },
  "device.revoke_self": { accepts: ["device"], license: "core", purpose: "Revoke the device that asks, with its agent key." },
  "workflow.list_runtime": { accepts: ["user", "device", "integration"], license: "licensed", purpose: "List the team's workflows through the runtime API." },
  "workflow.read_runtime": { accepts: ["user", "device", "integration"], license: "licensed", purpose: "Read a workflow of the team through the runtime API." },
  "workflow.read_by_slug": { accepts: ["user", "device", "integration"], license: "licensed", purpose: "Read a workflow of the team by its slug through the runtime API." },
  "workflow.list": { accepts: ["user", "device"], license: "core", purpose: "List the team's workflows." },
  "workflow.read": { accepts: ["user", "device"], license: "core", purpose: "Read a workflow of the team." },
  "workflow.create": { accepts: ["user", "device"], license: "licensed", takesIdempotencyKey: true, purpose: "Create a workflow." },
  "workflow.import": { accepts: ["user", "device"], license: "licensed", purpose: "Create a workflow, or replace the one with the same slug." },
  "workflow.update": { accepts: ["user", "device"], license: "licensed", purpose: "Save a new version of a workflow." },
  "workflow.delete": { accepts: ["user", "device"], license: "core", purpose: "Delete a workflow with its snapshots." },
  "workflow_snapshot.list": { accepts: ["user", "device"], license: team("workflow_snapshots"), purpose: "List the earlier versions of a workflow." },
  "workflow_snapshot.read": { accepts: ["user", "device"], license: team("workflow_snapshots"), purpose: "Read an earlier version of a workflow." },
  "workflow_snapshot.restore": { accepts: ["user", "device"], license: team("workflow_snapshots"), purpose: "Put an earlier version of a workflow back as a new one." },
  "agent.connect": { accepts: ["agent"], license: "licensed", purpose: "Open an agent's connection to the gateway." },
  "signing_key.list_public": { accepts: ["anonymous", "user", "device", "integration", "agent", "system"], license: "core", purpose: "Publish the issuer's public keys (JWKS)." },
  "signing_key.prepare": { accepts: ["system"], license: "core", purpose: "Make sure that there is a key to sign tokens with." },
  "oidc_client.create": { accepts: ["user", "operator"], license: global("oidc_provider"), takesIdempotencyKey: true, purpose: "Register an OIDC client (administrators); its secret is shown once." },
  "oidc_client.prepare": { accepts: ["system"], license: "core", purpose: "Make sure that a client of the platform's own is registered." },
  "oidc_client.list": { accepts: ["user", "operator"], license: "core", purpose: "List the OIDC clients (administrators)." },
  "oidc_client.list_origins": { accepts: ["system"], license: "core", purpose: "List the web origins of the OIDC clients, whose pages may talk to the issuer." },
  "oidc_client.read": { accepts: ["user", "operator"], license: "core", purpose: "Read what is registered about an OIDC client (administrators)." },
  "oidc_client.update": { accepts: ["user", "operator"], license: "core", purpose: "Change or disable an OIDC client (administrators)." },
  "oidc_client.delete": { accepts: ["user", "operator"], license: "core", purpose: "Delete an OIDC client with its grants and tokens (administrators)." },
  "oidc_client.authenticate": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Find out which OIDC client asks." },
  "dpop_proof.take": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Take a proof of possession, once." },
  "token.issue": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Exchange a grant for tokens; for clients of others only with oidc_provider." },
  "initial_access_token.create": { accepts: ["user", "operator"], license: global("oidc_provider"), takesIdempotencyKey: true, purpose: "Make a single-use token by which a client may register itself (administrators)." },
  "oidc_client.register": { accepts: ["anonymous"], license: global("oidc_provider"), purpose: "Register oneself as a client, by an initial access token (RFC 7591)." },
  "oidc_client.read_registration": { accepts: ["anonymous"], license: "core", purpose: "Read what is registered about oneself as a client (RFC 7592)." },
  "oidc_client.update_registration": { accepts: ["anonymous"], license: global("oidc_provider"), purpose: "Replace what is registered about oneself as a client (RFC 7592)." },
  "oidc_client.delete_registration": { accepts: ["anonymous"], license: "core", purpose: "Delete oneself as a client (RFC 7592)." },
  "token.introspect": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Say what a token is good for; for clients of others only with oidc_provider." },
  "token.revoke": { accepts: ["anonymous"], license: "core", purpose: "Give back a token." },
  "oidc_client.rotate_secret": { accepts: ["user", "operator"], license: "core", takesIdempotencyKey: true, purpose: "Make a new secret for an OIDC client; the old one overlaps (administrators)." },
  "authorization.start": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Take an authorization request of a client; one that is not first-party needs the feature oidc_provider." },
  "authorization.push": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Take an authorization request over the back channel (RFC 9126)." },
  "authorization.continue": { accepts: ["anonymous", "user"], license: "core", audit: "ledger", purpose: "Find the next step of a sign-in for a client, or answer it." },
  "authorization.decide": { accepts: ["anonymous", "user"], license: "core", purpose: "Allow a client what it asks for, or refuse it." },
  "device_authorization.start": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Note that a client's device asks (RFC 8628); one that is not first-party needs the feature oidc_provider." },
  "device_authorization.read": { accepts: ["user"], license: "core", purpose: "See what a device asks for, by the code that it shows." },
  "device_authorization.decide": { accepts: ["user"], license: "core", purpose: "Allow a client's device what it asks for, or refuse it." },
  "sign_in.start": { accepts: ["anonymous", "user"], license: "core", audit: "ledger", purpose: "Begin a sign-in at a page of the issuer's own." },
  "userinfo.read": { accepts: ["anonymous"], license: "core", audit: "ledger", purpose: "Tell a client what its token lets it know about a person." },
  "logout_notice.deliver": { accepts: ["system"], license: "core", audit: "ledger", purpose: "Tell clients that a sign-in which they rely on has ended (OpenID Connect Back-Channel Logout)." },
  "logout.prepare": { accepts: ["anonymous", "user"], license: "core", audit: "ledger", purpose: "Read a client's request to sign somebody out." },
  "consent.list": { accepts: ["user"], license: "core", purpose: "List what one has allowed clients." },
  "consent.revoke": { accepts: ["user"], license: "core", purpose: "Take back what one has allowed a client, and end its grants." },
  "signing_key.add": { accepts: ["operator", "system"], license: "core", purpose: "Make the first signing key of an algorithm." },
  "signing_key.list": { accepts: ["operator"], license: "core", purpose: "List the issuer's signing keys of every state." },
  "signing_key.rotate": { accepts: ["operator"], license: "core", purpose: "Have the next signing keys sign, as soon as verifiers know them or at once." },
  "signing_key.rotate_due": { accepts: ["system"], license: "core", purpose: "Publish the next signing keys when the schedule asks for them." },
  "signing_key.revoke": { accepts: ["operator"], license: "core", purpose: "Refuse everything that a signing key has signed, from now on." },
  "signing_key.note_life": { accepts: ["system"], license: "core", purpose: "Note how long tokens of a signing key may live." },
  "audit.list": { accepts: ["user", "operator"], license: "core", purpose: "Read the audit log: administrators all of it, owners and admins their team's." },
  "audit.export": { accepts: ["user", "operator"], license: "core", purpose: "Read the audit log as lines, in the order of its chains." },
  "audit.verify": { accepts: ["operator"], license: "core", purpose: "Say whether the audit log is whole, and where it is not." },
  "license.read": { accepts: ["anonymous", "user", "device", "operator"], license: "core", purpose: "Read the state of the license." },
  "license.test": { accepts: ["user", "operator"], license: "core", purpose: "Say what a license file would do before it is installed." },
  "license.install": { accepts: ["user", "lease_client", "operator", "system"], license: "core", purpose: "Replace the license file by a newer one." },
  "license.reload": { accepts: ["user", "lease_client", "operator", "system"], license: "core", purpose: "Read the license file again now." },
  "license.upload": { accepts: ["user"], license: "core", purpose: "Hand a license file to the License Server (administrators)." },
  "license.request_reload": { accepts: ["user"], license: "core", purpose: "Have the License Server read its file again (administrators)." },
  "entitlements.read": { accepts: ["user", "device"], license: "core", purpose: "Read what the lease of this role allows, and until when." },
  "license.start": { accepts: ["system"], license: "core", purpose: "Start the License Server: a new epoch, the marks joined from store and file." },
  "license.mark_time": { accepts: ["system"], license: "core", audit: "ledger", purpose: "Record the highest time seen." },
  "license.change_state": { accepts: ["system"], license: "core", purpose: "Record that the license's state changed by time, clock or binding." },
  "license.learn": { accepts: ["lease_client"], license: "core", purpose: "Adopt marks that a client remembers and the server has lost." },
  "lease.grant": { accepts: ["lease_client"], license: "core", audit: "ledger", purpose: "Grant or refuse a lease to an enrolled client." },
  "lease_client.enrol": { accepts: ["anonymous", "lease_client"], license: "core", purpose: "Enrol a role's client key by local secret or join token." },
  "lease_client.list": { accepts: ["operator"], license: "core", purpose: "List enrolled clients and their last lease." },
  "lease_client.revoke": { accepts: ["operator"], license: "core", purpose: "Refuse a client from now on." },
  "join_token.create": { accepts: ["operator"], license: "core", purpose: "Make a single-use token by which a role on another host enrols." },
} as const satisfies Record<string, OperationRow>;

export type OperationName = keyof typeof operations;

/** The row as its general type, for code that walks the table. */
export function rowOf(name: OperationName): OperationRow {
  return operations[name];
}
