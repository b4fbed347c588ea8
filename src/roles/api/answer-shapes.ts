/** Shapes that answers of the API are made of, as documented: ids are UUIDs, times RFC 3339 in UTC. */
import { type TProperties, type TSchema, Type } from "typebox";

/** An object with these members and no other. */
export function closed<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false });
}

export const Text = Type.String();
export const Id = Type.String({ format: "uuid" });
export const Instant = Type.String({ format: "date-time" });
export const MaybeInstant = Type.Union([Instant, Type.Null()]);
export const MaybeText = Type.Union([Text, Type.Null()]);
export const MaybeId = Type.Union([Id, Type.Null()]);

export const Success = closed({ is_success: Type.Literal(true) });
export const Tokens = closed({ access_token: Text, refresh_token: Text, expires_in: Type.Integer() });
export const Link = closed({ reset_url: Text, expires_at: Instant });
export const RecoveryCodes = closed({ recovery_codes: Type.Array(Text) });
/** What a browser's `navigator.credentials` takes (Web Authentication level 3, section 5.4). */
export const WebAuthnOptions = Type.Object({}, { additionalProperties: true });

const PageMeta = closed({ current_page: Type.Integer(), per_page: Type.Integer(), total_count: Type.Integer() });

/** A page of a list. */
export function page(name: string, item: TSchema) {
  return closed({ [name]: Type.Array(item), page_meta: PageMeta });
}

const Features = Type.Record(Text, Type.Boolean());
const Quotas = Type.Record(Text, Type.Integer());
const Flags = closed({ features: Features, quotas: Quotas });

export const Profile = closed({
  id: Id,
  first_name: Text,
  last_name: Text,
  display_name: Text,
  email_address: Text,
  is_administrator: Type.Boolean(),
  team_list: Type.Array(closed({ id: Id, display_name: Text })),
  feature_flags: closed({ global: Flags, account: Flags, teams: Type.Record(Text, Flags) }),
});

export const User = closed({
  id: Id,
  email_address: Text,
  first_name: Text,
  last_name: Text,
  display_name: Text,
  is_administrator: Type.Boolean(),
  email_verified: Type.Boolean(),
  user_status: Text,
  created_at: Instant,
});

export const Session = closed({
  id: Id,
  kind: Text,
  created_at: Instant,
  refreshed_at: MaybeInstant,
  expires_at: Instant,
  address: MaybeText,
  amr: Type.Array(Text),
  is_current: Type.Boolean(),
});

export const Identity = closed({ id: Id, provider: MaybeText, issuer: Text, email_address: MaybeText, created_at: Instant, last_used_at: Instant });

export const Passkey = closed({ id: Text, display_name: Text, created_at: Instant, last_used_at: MaybeInstant, is_synced: Type.Boolean(), status: Text });

export const Device = closed({
  id: Id,
  display_name: Text,
  key_prefix: Text,
  team_id: Id,
  team_name: Text,
  key_status: Text,
  created_at: Instant,
  last_used_at: MaybeInstant,
  is_current: Type.Boolean(),
});

export const Member = closed({ user_id: Id, first_name: Text, last_name: Text, display_name: Text, email_address: Text, role: Text, created_at: Instant });

export const Invitation = closed({ id: Id, email_address: Text, invitation_role: Text, invited_by: Id, created_at: Instant, expires_at: Instant });

export const Credential = closed({
  id: Id,
  kind: Text,
  display_name: Text,
  key_prefix: Text,
  user_id: MaybeId,
  key_status: Text,
  scopes: Type.Union([Type.Array(Text), Type.Null()]),
  allowed_cidrs: Type.Union([Type.Array(Text), Type.Null()]),
  previous_key_expires_at: MaybeInstant,
  created_at: Instant,
  last_used_at: MaybeInstant,
  expires_at: MaybeInstant,
});

export const Workflow = closed({
  id: Id,
  workflow_slug: Text,
  display_name: Text,
  description: Text,
  tool_type: Text,
  workflow_status: Text,
  version: Type.Integer(),
  created_at: Instant,
  updated_at: Instant,
});

/** Beside these, the members of a definition that its tool type has. */
export const WorkflowDetail = Type.Object(
  {
    id: Id,
    workflow_slug: Text,
    display_name: Text,
    description: Text,
    tool_type: Text,
    workflow_status: Text,
    version: Type.Integer(),
    created_at: Instant,
    updated_at: Instant,
  },
  { additionalProperties: true },
);

const snapshot = { id: Id, workflow_id: Id, workflow_version: Type.Integer(), snapshot_note: Text, created_at: Instant };
const AnyObject = Type.Object({}, { additionalProperties: true });
export const Snapshot = closed(snapshot);
export const SnapshotDetail = closed({ ...snapshot, workflow_json: Type.Optional(AnyObject), workflow_params: Type.Array(AnyObject) });

const ByNamespace = (values: TSchema) => closed({ global: values, account: values, team: values });

export const LicenseStatus = closed({
  state: Text,
  is_open: Type.Boolean(),
  reason: Text,
  next_step: Text,
  since: MaybeInstant,
  grace_ends_at: MaybeInstant,
  license: Type.Union([
    closed({ license_id: Text, deployment_id: Text, customer_name: Text, template: Text, sequence: Type.Integer(), expires_at: MaybeInstant }),
    Type.Null(),
  ]),
  features: ByNamespace(Features),
  quotas: ByNamespace(Quotas),
});

/** Members are those of RFC 7591, as registered. */
export const Client = Type.Object(
  {
    client_id: Text,
    client_name: Text,
    redirect_uris: Type.Array(Text),
    grant_types: Type.Array(Text),
    scope: Text,
    token_endpoint_auth_method: Text,
    is_first_party: Type.Boolean(),
    is_dynamic: Type.Boolean(),
    is_disabled: Type.Boolean(),
    created_at: Instant,
    updated_at: Instant,
  },
  { additionalProperties: true },
);
export const MadeClient = closed({ client: Client, client_secret: Type.Optional(Text) });

export const Provider = closed({
  id: Text,
  display_name: Text,
  issuer: Text,
  client_id: Text,
  token_endpoint_auth_method: Text,
  scope: Text,
  provisioning: Text,
  allowed_domains: Type.Array(Text),
  source: Text,
  is_disabled: Type.Boolean(),
  has_secret: Type.Boolean(),
  redirect_uri: Text,
  created_at: MaybeInstant,
  updated_at: MaybeInstant,
});

export const Webhook = closed({
  id: Id,
  display_name: Text,
  webhook_url: Text,
  webhook_secret: Type.Null(),
  webhook_secret_prefix: Text,
  previous_secret_expires_at: MaybeInstant,
  webhook_events: Type.Array(Text),
  webhook_status: Type.Union([Type.Literal("active"), Type.Literal("disabled")]),
  disabled_reason: MaybeText,
  failing_since: MaybeInstant,
  created_at: Instant,
  updated_at: Instant,
  last_delivered_at: MaybeInstant,
});

const delivery = {
  id: Id,
  webhook_id: Id,
  event_type: Text,
  task_id: MaybeId,
  delivery_status: Type.Union([Type.Literal("pending"), Type.Literal("delivered"), Type.Literal("failed")]),
  attempt_count: Type.Integer(),
  response_status: Type.Union([Type.Integer(), Type.Null()]),
  next_attempt_at: MaybeInstant,
  created_at: Instant,
  delivered_at: MaybeInstant,
};
export const Delivery = closed(delivery);
export const DeliveryDetail = closed({
  ...delivery,
  attempts: Type.Array(closed({ attempted_at: Instant, response_status: Type.Union([Type.Integer(), Type.Null()]), error: MaybeText })),
  request_body: Text,
  response_body: MaybeText,
});

export const AuditRecord = closed({
  id: Id,
  created_at: Instant,
  operation: Text,
  outcome: Type.Union([Type.Literal("done"), Type.Literal("refused")]),
  actor: Text,
  team_id: MaybeId,
  subject: MaybeText,
  address: MaybeText,
  details: Type.Record(Text, Type.Unknown()),
});

export const Task = closed({
  id: Id,
  workflow_id: Id,
  workflow_slug: Text,
  workflow_version: Type.Integer(),
  created_via: Text,
  task_status: Text,
  waiting_reason: Type.Union([closed({ code: Text, message: Text }), Type.Null()]),
  parameters: Type.Record(Text, Type.Unknown()),
  created_at: Instant,
  started_at: MaybeInstant,
  completed_at: MaybeInstant,
  task_error: MaybeText,
  attempt: Type.Integer(),
  retry_count: Type.Integer(),
  agent_id: MaybeText,
  agent_labels: Type.Array(Text),
  gateway_id: MaybeText,
  gpu_type: MaybeText,
  dispatch_target: Text,
  target_pool: Text,
  tool_type: Text,
});

export const TaskResult = closed({
  id: Id,
  task_status: Text,
  task_output: Type.Unknown(),
  download_url: MaybeText,
  download_urls: Type.Union([Type.Record(Text, Text), Type.Null()]),
  expires_at: MaybeInstant,
  task_error: MaybeText,
  completed_at: MaybeInstant,
});

const GpuDevice = closed({ device_name: Text, device_type: Text, vram_total: Type.Integer(), vram_free: Type.Integer() });
const SystemStats = closed({ comfyui_version: Type.Optional(Text), pytorch_version: Type.Optional(Text), os_type: Type.Optional(Text), gpu_devices: Type.Optional(Type.Array(GpuDevice)) });

const Status = Type.Union(["created", "deploying", "running", "stopping", "stopped", "failed"].map((status) => Type.Literal(status)));

export const ContainerStatus = closed({ service_status: Status });

export const ContainerService = closed({
  id: Id,
  service_slug: Text,
  display_name: Text,
  service_desc: Text,
  service_type: Text,
  docker_image: MaybeText,
  external_url: MaybeText,
  exposed_port: Type.Integer(),
  health_path: Text,
  env_config: Type.Array(closed({ env_name: Text, env_value: Text })),
  volume_config: Type.Array(closed({ host_path: Text, container_path: Text })),
  required_labels: Type.Array(Text),
  gpu_count: Type.Integer(),
  replica_count: Type.Integer(),
  usage_prompt: Text,
  openapi_url: MaybeText,
  service_status: Status,
  created_at: Instant,
  updated_at: Instant,
  replicas: Type.Array(closed({ replica_index: Type.Integer(), agent_id: MaybeText, replica_state: Text, detail: MaybeText })),
});

export const RuntimeContainerService = closed({
  id: Id,
  service_slug: Text,
  display_name: Text,
  service_desc: Text,
  service_type: Text,
  service_status: Status,
  exposed_port: Type.Integer(),
  usage_prompt: Text,
  openapi_url: MaybeText,
  service_url: Text,
});

export const Invoked = closed({ status_code: Type.Integer(), headers: Type.Record(Type.String(), Type.String()), body_base64: Text });

export const OpenedTunnel = closed({ session_id: Id, tunnel_url: Text, admin_token: Text, tunnel_protocol: Text, expires_at: Instant });

export const Tunnels = closed({
  is_active: Type.Boolean(),
  session_id: Text,
  tunnel_url: Text,
  tunnel_list: Type.Array(
    closed({
      session_id: Id,
      tunnel_url: Text,
      target_port: Type.Integer(),
      tunnel_protocol: Text,
      created_at: Instant,
      expires_at: Instant,
      bytes_in: Type.Integer(),
      bytes_out: Type.Integer(),
      last_used_at: MaybeInstant,
    }),
  ),
});

export const Agent = closed({
  agent_id: Text,
  agent_status: Text,
  is_draining: Type.Boolean(),
  agent_labels: Type.Array(Text),
  last_heartbeat: Instant,
  connected_at: Instant,
  agent_version: MaybeText,
  tool: MaybeText,
  tool_version: MaybeText,
  comfyui_version: MaybeText,
  gpu_capacity: Type.Integer(),
  gpu_type: MaybeText,
  running_count: Type.Integer(),
  running_tasks: Type.Array(Id),
  current_task_id: MaybeId,
  platform_arch: MaybeText,
  sync_phase: MaybeText,
  sync_detail: MaybeText,
  sync_percent: Type.Union([Type.Number(), Type.Null()]),
  tasks_completed: Type.Integer(),
  system_stats: Type.Union([SystemStats, Type.Null()]),
});

/** `content` holds the facts of its kind: ids, instants in epoch milliseconds. */
const Notification = closed({ id: Id, kind: Text, title: Text, message: Text, content: Type.Object({ kind: Text }, { additionalProperties: true }), created_at: Instant, read_at: MaybeInstant });
export const NotificationPage = closed({ notification_list: Type.Array(Notification), unread_count: Type.Integer(), page_meta: PageMeta });

/** Another site that is pinned here, with the rules for its people. */
export const FederationSite = closed({
  id: Text,
  shape: Type.Union([Type.Literal("circle"), Type.Literal("replica")]),
  site_name: Text,
  issuer: Text,
  api_url: Text,
  fingerprint: Text,
  state: Type.Union([Type.Literal("ok"), Type.Literal("expiring"), Type.Literal("expired")]),
  sequence: Type.Integer(),
  expires_at: Instant,
  imported_at: Instant,
  checked_at: MaybeInstant,
  problem: MaybeText,
  key_ids: Type.Array(Text),
  revoked_subjects: Type.Integer(),
  rules: closed({ audiences: Type.Array(Text), team_ids: Type.Union([Type.Array(Text), Type.Null()]), role: Text, mapping: Text, sign_in: Type.Boolean(), refresh: Type.Boolean() }),
});
