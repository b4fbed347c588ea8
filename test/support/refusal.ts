/** Refusals as values, so that a test can look at the code, the words and what must not be in them. */
import { Fault, faultCodes, type FaultCode } from "../../src/fault.ts";
import type { Caller, CallerKind } from "../../src/gate/caller.ts";
import { type OperationName, rowOf } from "../../src/gate/operations.ts";
import { type LicenseState, licenseStates } from "../../src/license/entitlements.ts";

/** The Fault that `attempt` ends with. Fails the test when it succeeds or breaks in another way. */
export async function refusalOf(attempt: Promise<unknown>): Promise<Fault> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was expected to be refused, and was not");
}

/** The code alone, for tables; `undefined` when `attempt` succeeds. */
export async function codeOf(attempt: Promise<unknown>): Promise<FaultCode | undefined> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return undefined;
}

const ID = "00000000-0000-7000-8000-00000000000f";
const callers: Readonly<Record<CallerKind, Caller>> = {
  anonymous: { kind: "anonymous" },
  user: { kind: "user", userId: ID, sessionId: ID, isAdministrator: true, teamId: ID },
  device: { kind: "device", credentialId: ID, userId: ID, teamId: ID },
  integration: { kind: "integration", credentialId: ID, teamId: ID },
  agent: { kind: "agent", credentialId: ID, teamId: ID },
  lease_client: { kind: "lease_client", clientId: ID },
  operator: { kind: "operator" },
  system: { kind: "system" },
};

/** A caller of every kind that the operation does not accept, with the code it has to be refused with. */
export function strangersTo(name: OperationName): readonly { readonly caller: Caller; readonly code: FaultCode }[] {
  const { accepts } = rowOf(name);
  return Object.values(callers)
    .filter(({ kind }) => !accepts.includes(kind))
    .map((caller) => ({ caller, code: caller.kind === "anonymous" ? "unauthenticated" : "forbidden" }));
}

function isStateCode(state: string): state is LicenseState & FaultCode {
  return Object.hasOwn(faultCodes, state) && Object.hasOwn(licenseStates, state);
}

/** Every license state that shuts gated operations; each is its own refusal code. */
export const shutStates: readonly (LicenseState & FaultCode)[] = Object.keys(licenseStates).filter(isStateCode);
