/** What the License Server says of licenses, as it travels: over its own doors, through the operator's, and to API servers. */
import { type Static, Type } from "typebox";

const Text = Type.String({ maxLength: 1_024 });
const Whole = Type.Integer();

export const LicenseFactsSchema = Type.Object({
  license_id: Text,
  deployment_id: Text,
  template: Text,
  sequence: Whole,
  /** Epoch seconds, as all times of licensing. */
  not_before: Whole,
  expires_at: Whole,
});

/** Readers pass over members that they do not know, so that a newer server can say more. */
export const LicenseStatusSchema = Type.Object({
  state: Text,
  since: Whole,
  reason: Text,
  hint: Text,
  license: Type.Union([LicenseFactsSchema, Type.Null()]),
  problem: Type.Union([Type.Object({ refusal: Text, message: Text }), Type.Null()]),
});
export type LicenseStatusAnswer = Static<typeof LicenseStatusSchema>;

const Value = Type.Union([Type.String({ maxLength: 4_096 }), Type.Number(), Type.Boolean(), Type.Null()]);

/** What a file would do if it were installed. */
export const LicenseTestSchema = Type.Object({
  outcome: Type.Union([Type.Literal("accepted"), Type.Literal("unchanged"), Type.Literal("refused")]),
  refusal: Type.Union([Text, Type.Null()]),
  message: Text,
  state: Text,
  license: Type.Union([LicenseFactsSchema, Type.Null()]),
  differences: Type.Array(Type.Object({ key: Text, from: Value, to: Value })),
  warnings: Type.Array(Text),
});
export type LicenseTestAnswer = Static<typeof LicenseTestSchema>;
