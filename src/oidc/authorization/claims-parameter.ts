/**
 * The `claims` parameter (OpenID Connect Core 1.0 section 5.5): which claims a client wants, and where.
 *
 * Rule: read into a closed shape at the door. Names that we do not know are kept and give nothing; what a person has to
 * consent to for those we do know is `claims.ts`'s to say.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { findJson } from "../../json.ts";

const PARAMETER_CHARACTERS_MAX = 4_096;
const CLAIMS_MAX = 50;
const VALUES_MAX = 20;

const Value = Type.String({ maxLength: 512 });
/** `null` asks for the claim and says no more about it. */
const WantedSchema = Type.Union([
  Type.Null(),
  Type.Object({ essential: Type.Optional(Type.Boolean()), value: Type.Optional(Value), values: Type.Optional(Type.Array(Value, { maxItems: VALUES_MAX })) }),
]);
const PlaceSchema = Type.Record(Type.String({ pattern: "^[A-Za-z0-9_:/.#-]{1,128}$" }), WantedSchema, { maxProperties: CLAIMS_MAX });
export const ClaimsParameterSchema = Type.Object({ userinfo: Type.Optional(PlaceSchema), id_token: Type.Optional(PlaceSchema) });

export type WantedClaim = Static<typeof WantedSchema>;
export type ClaimsParameter = Static<typeof ClaimsParameterSchema>;

const shape = shapeOf(ClaimsParameterSchema);

/** The parameter, or undefined when `text` is not one. */
export function findClaimsParameter(text: string): ClaimsParameter | undefined {
  if (text.length > PARAMETER_CHARACTERS_MAX) return undefined;
  const value = findJson(text);
  return shape.Check(value) ? value : undefined;
}

/** The values that would satisfy the client; undefined when it does not insist on any. */
export function insistedValues(wanted: WantedClaim | undefined): readonly string[] | undefined {
  if (wanted === undefined || wanted === null) return undefined;
  if (wanted.value !== undefined) return [wanted.value];
  return wanted.values;
}
