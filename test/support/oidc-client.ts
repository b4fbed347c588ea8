/** Registered clients for tests of the issuer. */
import { operator, system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createClient, prepareFirstPartyClient } from "../../src/oidc/clients/client-operations.ts";

export interface TestClient {
  readonly id: string;
  /** Empty for clients that authenticate without one. */
  readonly secret: string;
}

/** A client with one redirect URI, unless `metadata` says otherwise (RFC 7591 names). */
export async function addClient(gate: Gate, metadata: Readonly<Record<string, unknown>> = {}): Promise<TestClient> {
  const made = await createClient(gate, operator, { metadata: { client_name: "Test client", redirect_uris: ["https://app.example/cb"], ...metadata } });
  return { id: made.client.client_id, secret: made.client_secret ?? "" };
}

/** A client that speaks for itself. */
export async function addService(gate: Gate, metadata: Readonly<Record<string, unknown>> = {}): Promise<TestClient> {
  return await addClient(gate, { redirect_uris: [], grant_types: ["client_credentials"], scope: "read write", ...metadata });
}

/** A client of the platform's own, which needs no license. */
export async function addFirstParty(gate: Gate, client_id: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<TestClient> {
  await prepareFirstPartyClient(gate, system, {
    client_id,
    metadata: { client_name: "Own", redirect_uris: ["https://app.example/cb"], token_endpoint_auth_method: "none", ...metadata },
  });
  return { id: client_id, secret: "" };
}
