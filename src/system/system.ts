/**
 * The deployment as its API server sees it: what runs here, where the other roles are, how the lease is, and what is missing.
 *
 * Rule: looks and changes nothing; for administrators, who else would need the host for it.
 */
import { certificateCheck } from "../doctor/certificate.ts";
import { type Check, looked, type Patient } from "../doctor/check.ts";
import { clockCheck, dataDirectoryCheck, diskCheck } from "../doctor/host.ts";
import { addressChecks, agentCheck } from "../doctor/network.ts";
import { procedure } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import type { LeaseHolderStatus } from "../license/holder/lease-holder.ts";
import { version } from "../version.ts";

/** What the process knows of itself. */
export interface SystemView extends Pick<Patient, "services"> {
  /** `databaseUrl` is undefined where the store is SQLite. */
  readonly config: Patient["config"] & { readonly databaseUrl: unknown };
  readonly startedAtMs: number;
  lease(): Pick<LeaseHolderStatus, "server" | "leaseAgeSeconds" | "nextRefreshAtMs" | "addresses">;
}

export interface System {
  readonly version: string;
  readonly startedAtMs: number;
  /** Of this process. */
  readonly roles: readonly string[];
  readonly engine: "sqlite" | "postgresql";
  readonly lease: ReturnType<SystemView["lease"]>;
  readonly addresses: readonly { readonly role: "api" | "issuer" | "gateway"; readonly url: string }[];
  readonly checks: readonly Check[];
}

async function checksOf(patient: Patient): Promise<readonly Check[]> {
  const looks: readonly (readonly [name: string, look: () => Promise<readonly Check[]>])[] = [
    ["data directory", () => dataDirectoryCheck(patient)],
    ["disk", () => diskCheck(patient)],
    ["clock", () => clockCheck(patient)],
    ["certificate", () => certificateCheck(patient)],
    ["addresses", () => addressChecks(patient, ["api", "issuer", "gateway"])],
    ["agents", () => agentCheck(patient)],
  ];
  return (await Promise.all(looks.map(([name, look]) => looked(name, look)))).flat();
}

/** No query, whose look at the store would last as long as an address takes to answer. */
export const readSystem = procedure("system.read", async ({ caller, settings }, { startedAtMs, lease, config, services }: SystemView): Promise<System> => {
  requireAdministrator(caller);
  const { publicUrl, issuerUrl, gatewayUrl } = settings;
  return {
    version,
    startedAtMs,
    roles: config.roles,
    engine: config.databaseUrl === undefined ? "sqlite" : "postgresql",
    lease: lease(),
    addresses: [
      { role: "api", url: publicUrl },
      { role: "issuer", url: issuerUrl },
      { role: "gateway", url: gatewayUrl },
    ],
    checks: await checksOf({ config, services, addresses: { publicUrl, issuerUrl, gatewayUrl }, isServed: true }),
  };
});
