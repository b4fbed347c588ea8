/** The status of a license as it travels: from the License Server's `/v1/status`, and through the operator's door. */
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
