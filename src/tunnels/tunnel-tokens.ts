/**
 * Tokens of a tunnel: one lets whoever has it through, the other lets them close it. Each is for one tunnel and one purpose,
 * and ends with the tunnel.
 *
 *     https://gateway/tunnel/{session_id}/{access token}/…      what is in front of the rest is the way in
 *
 * Rule: checked before anything is looked up, in constant time, and by no other way than this file's.
 */
import { isSameSecret } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import type { Act } from "../gate/operation.ts";

export type TokenPurpose = "access" | "admin";
type Keys = Pick<Act, "sealer">;

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function tunnelToken({ sealer }: Keys, purpose: TokenPurpose, tunnelId: string): string {
  return sealer.digest("tunnel-token", `${purpose}:${tunnelId}`);
}

export interface ShownToken {
  readonly tunnel_id: string;
  readonly token: string;
}

/** The refusal of a token that is not good, and of a tunnel that is closed or over: who guesses learns nothing. */
export function noTunnel(): Fault {
  return new Fault("not_found", "There is no tunnel at this address; it may be closed or over.", { hint: "Ask whoever opened it, or open another one." });
}

/** The tunnel that the token is for. Throws Fault `not_found` when it is not good for the purpose. */
export function requireToken(keys: Keys, purpose: TokenPurpose, { tunnel_id, token }: ShownToken): string {
  if (ID.test(tunnel_id) && isSameSecret(token, tunnelToken(keys, purpose, tunnel_id))) return tunnel_id;
  throw noTunnel();
}

/** Where a tunnel is reached. */
export function tunnelUrl(act: Pick<Act, "sealer" | "settings">, { id, tunnel_protocol }: { readonly id: string; readonly tunnel_protocol: string }): string {
  const base = tunnel_protocol === "tcp" ? act.settings.gatewayUrl.replace(/^http/, "ws") : act.settings.gatewayUrl;
  return `${base}/tunnel/${id}/${tunnelToken(act, "access", id)}/`;
}
