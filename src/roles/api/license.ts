/** `/license`: what the lease allows, and the way to renew it. Works in every license state. */
import { t } from "elysia";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { type Entitlements, licenseRemedies, licenseStates } from "../../license/entitlements.ts";
import type { LicenseTestAnswer } from "../../license/answers.ts";
import { LICENSE_BYTES_MAX } from "../../license/document.ts";
import { type LicenseServerLink, readEntitlements, requestReload, testUpload, uploadLicense } from "../../license/upload.ts";

function isoOrNull(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1_000).toISOString();
}

/** The status document that CLI, dashboard and scripts share. */
export function statusDocument(entitlements: Entitlements) {
  const { state, license } = entitlements;
  return {
    state,
    is_open: licenseStates[state].open,
    reason: entitlements.reason ?? licenseStates[state].says,
    next_step: licenseRemedies[state],
    since: isoOrNull(entitlements.since),
    grace_ends_at: isoOrNull(entitlements.graceEndsAt),
    license:
      license === undefined
        ? null
        : {
            license_id: license.licenseId,
            deployment_id: license.deploymentId,
            customer_name: license.customerName,
            template: license.template,
            sequence: license.sequence,
            expires_at: isoOrNull(license.expiresAt),
          },
    features: entitlements.features,
    quotas: entitlements.quotas,
  };
}

const instants: readonly string[] = ["not_before", "expires_at", "issued_at"];

function shownValue(key: string, value: string | number | boolean | null) {
  return instants.includes(key) && typeof value === "number" ? isoOrNull(value) : value;
}

/** What a file would do, with times as the API writes them. */
function testDocument({ license, differences, outcome, refusal, message, state, warnings }: LicenseTestAnswer) {
  return {
    outcome,
    refusal,
    message,
    state,
    license:
      license === null
        ? null
        : {
            license_id: license.license_id,
            deployment_id: license.deployment_id,
            template: license.template,
            sequence: license.sequence,
            not_before: isoOrNull(license.not_before),
            expires_at: isoOrNull(license.expires_at),
          },
    differences: differences.map(({ key, from, to }) => ({ key, from: shownValue(key, from), to: shownValue(key, to) })),
    warnings,
  };
}

const upload = t.Object({ license_file: t.String({ minLength: 1, maxLength: LICENSE_BYTES_MAX }) });

export function addLicenseDoors(app: App, gate: Gate, server: LicenseServerLink): void {
  app.get("/api/v1/license", async ({ caller }) => statusDocument(await readEntitlements(gate, caller, undefined)), door("entitlements.read"));
  app.put(
    "/api/v1/license",
    async ({ caller, body }) => {
      await uploadLicense(gate, caller, { file: Buffer.from(body.license_file), server });
      return { is_success: true };
    },
    { ...door("license.upload"), body: upload },
  );
  app.post(
    "/api/v1/license/test",
    async ({ caller, body }) => testDocument(await testUpload(gate, caller, { file: Buffer.from(body.license_file), server })),
    { ...door("license.request_test"), body: upload },
  );
  app.post(
    "/api/v1/license/reload",
    async ({ caller }) => {
      await requestReload(gate, caller, { server });
      return { is_success: true };
    },
    door("license.request_reload", "none"),
  );
}
