/** Who dials the gateway: an agent, by its key in the Authorization header and nowhere else. */
import { findCallerByKey } from "../../credentials/authentication.ts";
import { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { AUTHORIZATION_BYTES_MAX } from "../../http/limits.ts";
import type { Authenticate } from "../../http/listener.ts";

const bearer = /^bearer +([!-~]+) *$/i;

export function gatewayAuthenticate(gate: Gate): Authenticate {
  return async (request, address) => {
    const header = request.headers.get("authorization");
    if (header === null) return { kind: "anonymous", address };
    const key = header.length <= AUTHORIZATION_BYTES_MAX ? bearer.exec(header)?.[1] : undefined;
    const caller = key === undefined ? undefined : await findCallerByKey(gate, key, address);
    if (caller !== undefined) return caller;
    throw new Fault("unauthenticated", "The key is not good: unknown, expired or revoked.", { hint: "Make an ak- key for this agent." });
  };
}
