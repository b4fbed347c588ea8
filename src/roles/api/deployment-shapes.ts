/** Shapes of what administrators are told of the deployment itself: license files, system, signing keys, backups. */
import { Type } from "typebox";
import { closed, Id, Instant, MaybeId, MaybeInstant, MaybeText, Text } from "./answer-shapes.ts";

const FactValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

export const LicenseTest = closed({
  outcome: Text,
  refusal: MaybeText,
  message: Text,
  state: Text,
  license: Type.Union([closed({ license_id: Text, deployment_id: Text, template: Text, sequence: Type.Integer(), not_before: MaybeInstant, expires_at: MaybeInstant }), Type.Null()]),
  differences: Type.Array(closed({ key: Text, from: FactValue, to: FactValue })),
  warnings: Type.Array(Text),
});

export const System = closed({
  version: Text,
  started_at: Instant,
  role_list: Type.Array(Text),
  store_engine: Text,
  lease: closed({ server: MaybeText, age_seconds: Type.Union([Type.Integer(), Type.Null()]), next_refresh_at: MaybeInstant }),
  license_server_list: Type.Array(closed({ address: Text, outcome: Text, reason: MaybeText, asked_at: MaybeInstant })),
  address_list: Type.Array(closed({ role: Text, url: Text })),
  check_list: Type.Array(closed({ name: Text, check_status: Text, message: Text, hint: MaybeText })),
});

export const SigningKey = closed({
  kid: Text,
  alg: Text,
  key_status: Text,
  created_at: Instant,
  active_from: Instant,
  retired_at: MaybeInstant,
  published_until: MaybeInstant,
  revoked_at: MaybeInstant,
});

export const BackupStatus = closed({
  backup_at: MaybeText,
  backup_dir: Text,
  backup_keep: Type.Integer(),
  next_due_at: MaybeInstant,
  last_backup: Type.Union([closed({ id: Id, path: Text, bytes: Type.Integer(), created_at: Instant, files: Type.Integer(), is_encrypted: Type.Boolean(), database: Text, signer: Text }), Type.Null()]),
  last_drill: Type.Union([closed({ backup_id: MaybeId, drilled_at: Instant, passed: Type.Boolean(), problems: Type.Array(Text) }), Type.Null()]),
  last_failure: Type.Union([closed({ failed_at: Instant, problem: Text }), Type.Null()]),
});
