/** Who dials the gateway: an agent, by its key in the Authorization header and nowhere else. */
import { findCallerByKey } from "../../credentials/authentication.ts";
import type { LastUses } from "../../credentials/last-use.ts";
import { Fault } from "../../fault.ts";
import type { Gate } from "../../gate/operation.ts";
import { findBearer } from "../../http/bearer.ts";
import type { Authenticate } from "../../http/listener.ts";

export function gatewayAuthenticate(gate: Gate, uses: LastUses): Authenticate {
  return async (request, address) => {
    // What is behind a tunnel or a service has its own Authorization; who may go through stands in the address, or in the pass.
    if (/^\/(?:tunnel|v1\/services)\//.test(new URL(request.url).pathname)) return { kind: "anonymous", address };
    const header = request.headers.get("authorization");
    if (header === null) return { kind: "anonymous", address };
    const key = findBearer(header);
    const caller = key === undefined ? undefined : await findCallerByKey(gate, key, address);
    if (caller !== undefined) {
      uses.note(caller.credentialId);
      return caller;
    }
    throw new Fault("unauthenticated", "The key is not good: unknown, expired or revoked.", { hint: "Make an ak- key for this agent." });
  };
}
