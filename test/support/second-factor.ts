/**
 * An authenticator app in a test.
 *
 *     const { app, recoveryCodes } = await enrol(world.gate, owner);
 *     await completeSession(world.gate, anonymous, { step_token, code: app.code(), kind: "token" });
 */
import type { Fault } from "../../src/fault.ts";
import type { UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { confirmSecondFactor, enrolSecondFactor } from "../../src/identity/second-factors.ts";
import { codeAt, STEP_MS } from "../../src/identity/totp.ts";
import { PASSWORD } from "./people.ts";

export interface Authenticator {
  readonly secret: string;
  /** The code of the step that is `offset` steps from now. */
  code(offset?: number): string;
  /** A code of no step near now. */
  wrong(): string;
}

function decodeBase32(text: string): Buffer {
  const bits = [...text].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

export function authenticator({ services }: Pick<Gate, "services">, secret: string): Authenticator {
  const key = decodeBase32(secret);
  const code = (offset = 0) => codeAt(key, Math.floor(services.clock.now() / STEP_MS) + offset);
  const wrong = () => {
    const near = [-2, -1, 0, 1, 2].map(code);
    return ["000000", "111111", "222222", "333333", "444444", "555555"].find((each) => !near.includes(each)) ?? "";
  };
  return { secret, code, wrong };
}

export interface Enrolled {
  readonly app: Authenticator;
  readonly recoveryCodes: readonly string[];
}

/** Enrols the caller, whose first code was that of the step before now. */
export async function enrol(gate: Gate, caller: UserCaller): Promise<Enrolled> {
  const { secret } = await enrolSecondFactor(gate, caller, { current_password: PASSWORD });
  const app = authenticator(gate, secret);
  const { recovery_codes } = await confirmSecondFactor(gate, caller, { code: app.code(-1) });
  return { app, recoveryCodes: recovery_codes };
}

/** The token in a refusal of a sign-in that wants a second step. */
export function stepTokenOf(refusal: Fault): string {
  if (refusal.code !== "second_factor_required") throw new Error(`it was refused with ${refusal.code}`);
  return String(refusal.details?.["step_token"]);
}
