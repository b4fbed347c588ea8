/** What a device of a client asks for, and what it is given, as both are stored with its request. */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { assert } from "../../fault.ts";
import type { DeviceRequest } from "../../identity/device-requests.ts";

const AskedSchema = Type.Object({ clientId: Type.String(), scope: Type.String(), resource: Type.Array(Type.String()) }, { additionalProperties: false });
const AnswerSchema = Type.Object({ grantId: Type.String() }, { additionalProperties: false });

export type DeviceAsked = Readonly<Static<typeof AskedSchema>>;
export type DeviceAnswer = Readonly<Static<typeof AnswerSchema>>;

const askedShape = shapeOf(AskedSchema);
const answerShape = shapeOf(AnswerSchema);

/** Reads back what we stored. */
export function parseAsked({ asked: json }: Pick<DeviceRequest, "asked">): DeviceAsked {
  const asked: unknown = JSON.parse(json);
  assert(askedShape.Check(asked), "a stored request of a device is one of ours");
  return asked;
}

/** Reads back what was approved. */
export function parseAnswer({ answer: json }: Pick<DeviceRequest, "answer">): DeviceAnswer {
  const answer: unknown = JSON.parse(json ?? "null");
  assert(answerShape.Check(answer), "an approved request of a device has its grant");
  return answer;
}
