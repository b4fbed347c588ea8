/** What only administrators of the deployment may do, beside the operator on the host. */
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";

/** Throws Fault `forbidden` unless the caller is an administrator or the operator. */
export function requireAdministrator(caller: Caller): void {
  if (caller.kind === "operator" || (caller.kind === "user" && caller.isAdministrator)) return;
  throw new Fault("forbidden", "Only an administrator of the deployment may do this.", { hint: "Ask an administrator." });
}
