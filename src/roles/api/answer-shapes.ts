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
const MaybeText = Type.Union([Text, Type.Null()]);
const MaybeId = Type.Union([Id, Type.Null()]);

export const Success = closed({ is_success: Type.Literal(true) });
export const Tokens = closed({ access_token: Text, refresh_token: Text, expires_in: Type.Integer() });
export const Link = closed({ reset_url: Text, expires_at: Instant });
export const RecoveryCodes = closed({ recovery_codes: Type.Array(Text) });
/** What a browser's `navigator.credentials` takes (Web Authentication level 3, section 5.4). */
export const WebAuthnOptions = Type.Object({}, { additionalProperties: true });

/** A page of a list. */
export function page(name: string, item: TSchema) {
  return closed({ [name]: Type.Array(item), page_meta: closed({ current_page: Type.Integer(), per_page: Type.Integer(), total_count: Type.Integer() }) });
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
