/** Who manages clients: administrators of the deployment, and the operator on the host. */
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";

/** Throws Fault `forbidden` for people who are not administrators. */
export function requireAdministrator(caller: Caller): void {
  if (caller.kind !== "user" || caller.isAdministrator) return;
  throw new Fault("forbidden", "Only an administrator of the deployment may manage OIDC clients.", { hint: "Ask an administrator, or use cyberun oidc clients on the host." });
}
