/**
 * The documented requests and answers of the tags Auth, User, Team, Member, Invitation, Credential, Webhook and DevicePair, as data:
 * what scripts that are written against the documentation send, and which members they read.
 *
 * A value that begins with `$` is taken from what an earlier call answered: `$invited.id`.
 */

export interface DocumentedCall {
  /** The name by which later calls take from its answer. */
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly as: "nobody" | "owner" | "member" | "device";
  readonly request?: Readonly<Record<string, unknown>>;
  readonly status: number;
  /** Every documented member, and `list[].member` for those of a list's items. Empty for an answer without a body. */
  readonly members: readonly string[];
  /** Members with a documented value. */
  readonly values?: Readonly<Record<string, unknown>>;
}

const tokens = ["access_token", "refresh_token", "expires_in"];
const pageMeta = ["page_meta.current_page", "page_meta.per_page", "page_meta.total_count"];
const refusal = ["error_message"];

export const documentedCalls: readonly DocumentedCall[] = [
  { name: "login", method: "POST", path: "/auth/login", as: "nobody", request: { email_address: "$owner.email", user_password: "$owner.password" }, status: 200, members: tokens },
  { name: "wrong", method: "POST", path: "/auth/login", as: "nobody", request: { email_address: "nobody@example.com", user_password: "wrong wrong wrong" }, status: 401, members: refusal, values: { error_message: "invalid email or password" } },
  { name: "refreshed", method: "POST", path: "/auth/refresh", as: "nobody", request: { refresh_token: "$login.refresh_token" }, status: 200, members: tokens },
  { name: "me", method: "GET", path: "/users/me", as: "owner", status: 200, members: ["id", "first_name", "last_name", "display_name", "email_address", "team_list[].id", "team_list[].display_name", "feature_flags"] },
  { name: "password", method: "PUT", path: "/users/me/password", as: "member", request: { current_password: "$owner.password", new_password: "another good sentence" }, status: 200, members: ["is_success"], values: { is_success: true } },
  { name: "teams", method: "GET", path: "/teams?current_page=1&per_page=20", as: "owner", status: 200, members: ["team_list[].id", "team_list[].display_name", ...pageMeta], values: { "page_meta.current_page": 1, "page_meta.per_page": 20 } },
  { name: "renamed", method: "PUT", path: "/teams/current", as: "owner", request: { display_name: "Renamed" }, status: 200, members: ["id"] },
  { name: "members", method: "GET", path: "/members", as: "owner", status: 200, members: ["member_list[].user_id", "member_list[].role", ...pageMeta] },
  { name: "role", method: "PUT", path: "/members/$member.id", as: "owner", request: { role: "admin" }, status: 200, members: ["is_success"], values: { is_success: true } },
  { name: "no member", method: "DELETE", path: "/members/00000000-0000-7000-8000-00000000000f", as: "owner", status: 404, members: refusal, values: { error_message: "resource not found" } },
  { name: "invited", method: "POST", path: "/invitations", as: "owner", request: { email_address: "invited@example.com", invitation_role: "member" }, status: 201, members: ["id", "invitation_token"] },
  { name: "invited twice", method: "POST", path: "/invitations", as: "owner", request: { email_address: "invited@example.com", invitation_role: "member" }, status: 409, members: refusal },
  { name: "invitations", method: "GET", path: "/invitations", as: "owner", status: 200, members: ["invitation_list[].id", "invitation_list[].email_address", "invitation_list[].invitation_role", ...pageMeta] },
  { name: "canceled", method: "DELETE", path: "/invitations/$invited.id", as: "owner", status: 204, members: [] },
  { name: "key", method: "POST", path: "/credentials", as: "owner", request: { kind: "integration", display_name: "Build", expires_in_days: 30 }, status: 201, members: ["id", "kind", "key_prefix", "raw_key"], values: { kind: "integration" } },
  { name: "device kind", method: "POST", path: "/credentials", as: "owner", request: { kind: "device", display_name: "Laptop" }, status: 400, members: refusal },
  {
    name: "keys",
    method: "GET",
    path: "/credentials?kind=integration",
    as: "owner",
    status: 200,
    members: [...["id", "kind", "display_name", "key_prefix", "user_id", "key_status", "created_at", "last_used_at", "expires_at"].map((name) => `credentials[].${name}`), ...pageMeta],
    values: { "credentials[].key_status": "active" },
  },
  { name: "by prefix", method: "DELETE", path: "/credentials/$key.key_prefix", as: "owner", status: 400, members: refusal },
  { name: "revoked", method: "DELETE", path: "/credentials/$key.id", as: "owner", status: 204, members: [] },
  { name: "no key", method: "DELETE", path: "/credentials/00000000-0000-7000-8000-00000000000f", as: "owner", status: 404, members: refusal, values: { error_message: "resource not found" } },
  { name: "webhook", method: "POST", path: "/webhooks", as: "owner", request: { display_name: "Build", webhook_url: "https://receiver.example/hook", webhook_events: ["task.completed", "task.failed"] }, status: 201, members: ["id", "webhook_secret"] },
  { name: "plain webhook", method: "POST", path: "/webhooks", as: "owner", request: { display_name: "Build", webhook_url: "http://receiver.example/hook", webhook_events: ["task.completed"] }, status: 400, members: refusal },
  {
    name: "webhook detail",
    method: "GET",
    path: "/webhooks/$webhook.id",
    as: "owner",
    status: 200,
    members: ["id", "display_name", "webhook_url", "webhook_secret", "webhook_events", "webhook_status", "created_at", "last_delivered_at"],
    values: { webhook_status: "active", webhook_secret: null, last_delivered_at: null },
  },
  { name: "webhook changed", method: "PUT", path: "/webhooks/$webhook.id", as: "owner", request: { display_name: "New", webhook_status: "active" }, status: 200, members: ["id"] },
  { name: "webhook rotated", method: "POST", path: "/webhooks/$webhook.id/rotate-secret", as: "owner", status: 200, members: ["webhook_secret"] },
  { name: "pairing", method: "POST", path: "/desktop/pair/start", as: "nobody", status: 200, members: ["device_code", "user_code", "verification_uri", "expires_in"] },
  { name: "waiting", method: "POST", path: "/desktop/pair/poll", as: "nobody", request: { device_code: "$pairing.device_code" }, status: 200, members: ["status"], values: { status: "pending" } },
  { name: "confirmed", method: "POST", path: "/desktop/pair/confirm", as: "owner", request: { user_code: "$pairing.user_code", device_name: "Laptop" }, status: 204, members: [] },
  { name: "approved", method: "POST", path: "/desktop/pair/poll", as: "nobody", request: { device_code: "$pairing.device_code" }, status: 200, members: ["status", "raw_key", "agent_key"], values: { status: "approved" } },
  { name: "consumed", method: "POST", path: "/desktop/pair/poll", as: "nobody", request: { device_code: "$pairing.device_code" }, status: 404, members: refusal },
  { name: "device out", method: "POST", path: "/auth/device/revoke", as: "device", status: 204, members: [] },
  { name: "handed on", method: "POST", path: "/teams/current/transfer", as: "owner", request: { new_owner_id: "$member.id" }, status: 200, members: ["is_success"], values: { is_success: true } },
  { name: "not the owner", method: "DELETE", path: "/teams/current", as: "owner", status: 403, members: refusal },
  { name: "exchange", method: "POST", path: "/auth/oauth/exchange-code", as: "nobody", request: { code: "unknown" }, status: 401, members: refusal },
];
