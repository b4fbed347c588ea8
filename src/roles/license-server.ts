/**
 * The License Server's doors: status for everybody, the handshake for enrolled clients.
 *
 * Rule: translates, decides nothing. What a stranger may read is the status; every other answer is worth something only
 * to the client whose key signed the proof. Answers are 200 or a refusal, because clients believe nothing else.
 */
import { createHash } from "node:crypto";
import { t } from "elysia";
import type { Gate } from "../gate/operation.ts";
import { findBearer } from "../http/bearer.ts";
import { door } from "../http/door.ts";
import type { App } from "../http/listener.ts";
import type { Metric } from "../http/metrics.ts";
import { readTicket } from "../license/server/changes.ts";
import { LICENSE_BYTES_MAX } from "../license/document.ts";
import { requireEnrolled } from "../license/server/enrolment.ts";
import { licenseStates } from "../license/entitlements.ts";
import { presentedCaller, presentProof } from "../license/server/handshake.ts";
import { CHALLENGE_SECONDS } from "../license/lease.ts";
import { answerLease } from "../license/server/leases.ts";
import { installLicense, readLicenseStatus, reloadLicense, testLicense } from "../license/server/operations.ts";
import type { LicenseServer } from "../license/server/license-server.ts";

const Bytes32 = t.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Role = t.Union([t.Literal("api"), t.Literal("gateway"), t.Literal("issuer"), t.Literal("product")]);
const Proof = t.String({ minLength: 1, maxLength: 16_384 });

function addHandshakeDoors(app: App, server: LicenseServer): void {
  app.post(
    "/v1/challenges",
    ({ body }) => {
      const { serverNonce } = server.challenges.issue(body);
      return { server_nonce: serverNonce, instance_key: server.instanceKey, epoch: server.moment().epoch, expires_in: CHALLENGE_SECONDS };
    },
    { body: t.Object({ client_key: Bytes32, role: Role, client_nonce: Bytes32 }) },
  );
  app.post("/v1/leases", async ({ body, caller }) => await answerLease(server, body.proof, caller.address), { body: t.Object({ proof: Proof }) });
}

function addLicenseFileDoors(app: App, gate: Gate, server: LicenseServer): void {
  app.post(
    "/v1/reload",
    async ({ body, caller }) => {
      const presented = presentProof(server.challenges, body.proof, { purpose: "reload", audience: server.instance.kid });
      return await reloadLicense(gate, presentedCaller(presented, caller.address), { server });
    },
    { body: t.Object({ proof: Proof }) },
  );
  const withFile = (purpose: "install" | "test", { proof, license }: { readonly proof: string; readonly license: string }, address: string | undefined) => {
    const file = Buffer.from(license);
    const fileSha256 = createHash("sha256").update(file).digest("base64url");
    const presented = presentProof(server.challenges, proof, { purpose, audience: server.instance.kid, fileSha256 });
    return { file, by: presentedCaller(presented, address) };
  };
  const body = t.Object({ proof: Proof, license: t.String({ minLength: 1, maxLength: LICENSE_BYTES_MAX }) });
  app.put(
    "/v1/license",
    async ({ body: sent, caller }) => {
      const { file, by } = withFile("install", sent, caller.address);
      return await installLicense(gate, by, { server, file });
    },
    { body },
  );
  app.post(
    "/v1/license/test",
    async ({ body: sent, caller }) => {
      const { file, by } = withFile("test", sent, caller.address);
      return await testLicense(gate, by, { server, file });
    },
    { body },
  );
}

function addChangesDoor(app: App, gate: Gate, server: LicenseServer): void {
  app.get("/v1/changes", async ({ request, server: socket }) => {
    const moment = server.moment();
    const ticket = findBearer(request.headers.get("authorization") ?? "") ?? "";
    const clientId = readTicket(gate.sealer, ticket, moment.clock.nowMs);
    await gate.store.read((reader) => requireEnrolled(reader, clientId));
    // Heartbeats keep the stream alive; the listener's idle limit would cut it between two of them.
    socket?.timeout(request, 0);
    return new Response(server.changes.open(clientId, moment.standing.state), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  });
}

/** Adds the License Server's doors to `app`. */
export function addLicenseServerDoors(app: App, server: LicenseServer): void {
  const { gate } = server;
  app.get("/v1/status", async ({ caller }) => await readLicenseStatus(gate, caller, { server }), door("license.read"));
  addHandshakeDoors(app, server);
  addLicenseFileDoors(app, gate, server);
  addChangesDoor(app, gate, server);
}

/** What the License Server shows of itself to Prometheus. */
export function licenseServerMetrics(server: LicenseServer): readonly Metric[] {
  const { standing, epoch } = server.moment();
  return [
    {
      name: "cyberun_license_server_state",
      help: "1 for the state the license is in.",
      type: "gauge",
      samples: Object.keys(licenseStates).map((state) => ({ labels: { state }, value: state === standing.state ? 1 : 0 })),
    },
    { name: "cyberun_license_server_epoch", help: "Grows with each start.", type: "gauge", samples: [{ value: epoch }] },
    { name: "cyberun_license_server_streams", help: "Open push streams.", type: "gauge", samples: [{ value: server.changes.count }] },
    { name: "cyberun_license_server_challenges", help: "Challenges that wait for their proof.", type: "gauge", samples: [{ value: server.challenges.count }] },
  ];
}
