/** `cyberun license fingerprint`: what a vendor needs to bind a license to this host. It needs no server. */
import { existsSync } from "node:fs";
import { Fault } from "../fault.ts";
import { hostFingerprint } from "../license/server/enrolment.ts";
import { hostFiles, partName } from "../license/server/host-parts.ts";
import type { Context, Result } from "./context.ts";
import { readVendorFile } from "./license-inspect.ts";

/** The deployment that the file in the license's place is for, be it a license or a revocation. */
function deploymentIn(path: string): string {
  const file = readVendorFile(path);
  return file.kind === "license" ? file.license.deployment_id : file.revocation.deployment_id;
}

function deploymentOf({ options, config }: Context): string {
  const named = options.get("deploymentId");
  if (named !== undefined && named !== "") return named;
  if (existsSync(config.licenseFile)) return deploymentIn(config.licenseFile);
  throw new Fault("invalid_request", "The deployment id is missing, and there is no license file that would say it.", {
    hint: "Give the id that the vendor told you: --deployment-id ID.",
  });
}

export async function licenseFingerprint(context: Context): Promise<Result> {
  const deploymentId = deploymentOf(context);
  const parts = hostFingerprint({ hostFiles: hostFiles("/") }, deploymentId);
  if (parts.length === 0) {
    throw new Fault("unavailable", "No part of this host can be read.", { hint: "Run it as root on the host itself; in a container mount the host's /etc/machine-id." });
  }
  const kinds = [...new Set(parts.map(partName))];
  return {
    data: { deployment_id: deploymentId, parts },
    text: [`Deployment ${deploymentId}; parts of this host (${kinds.join(", ")}), hashed for this deployment alone:`, ...parts, "Send them to the vendor. They hold no serial number in clear."].join("\n"),
  };
}
