/**
 * The operations on the license itself: read its state, test a file, install one, read the file again.
 *
 * Rule: the only doors to the License Server's deeds. They are core: an expired license must not stand in the way of
 * its own renewal. A person must be an administrator, a client must be enrolled; jobs and the
 * operator have shown enough by being admitted.
 */
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import { procedure, type ProcedureAct, query } from "../../gate/operation.ts";
import { requireEnrolled } from "./enrolment.ts";
import type { LicenseFile } from "./license-file.ts";
import { type LicenseTest, testOf } from "./rehearsal.ts";
import type { LicenseServer } from "./license-server.ts";
import { type LicenseStatus, statusOf } from "./status.ts";

function requireAdministrator(caller: Caller): void {
  if (caller.kind !== "user" || caller.isAdministrator) return;
  throw new Fault("forbidden", "Only an administrator may do this.", { hint: "Ask an administrator of this deployment." });
}

async function requireAuthority({ caller, read }: ProcedureAct): Promise<void> {
  requireAdministrator(caller);
  if (caller.kind === "lease_client") await read((reader) => requireEnrolled(reader, caller.clientId));
}

/** The public state of the license. */
export const readLicenseStatus = query("license.read", async (_act, { server }: { readonly server: LicenseServer }): Promise<LicenseStatus> => {
  return statusOf(server.moment(), server);
});

/** Says what a file would do before it is installed; changes nothing. */
export const testLicense = query(
  "license.test",
  async ({ caller, reader }, { server, file }: { readonly server: LicenseServer; readonly file: Uint8Array }): Promise<LicenseTest> => {
    requireAdministrator(caller);
    if (caller.kind === "lease_client") await requireEnrolled(reader, caller.clientId);
    return testOf(server.judge(file), server.moment());
  },
);

/** Replaces the license file and takes it into force. Throws Fault `invalid_license`; the old one then stays. */
export const installLicense = procedure(
  "license.install",
  async (act, { server, file }: { readonly server: LicenseServer; readonly file: Uint8Array }): Promise<LicenseStatus> => {
    await requireAuthority(act);
    await server.install(act, file);
    return statusOf(server.moment(), server);
  },
);

/** Reads the license file now; `file` is what was just read from its place. Throws Fault `invalid_license`; the old one then stays. */
export const reloadLicense = procedure(
  "license.reload",
  async (act, { server, file }: { readonly server: LicenseServer; readonly file?: LicenseFile }): Promise<LicenseStatus> => {
    await requireAuthority(act);
    await server.reload(act, file);
    return statusOf(server.moment(), server);
  },
);
