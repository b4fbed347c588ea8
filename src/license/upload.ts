/**
 * The license as the API server deals with it: reading what the lease allows, and handing files on.
 *
 * Rule: decides who may; the License Server decides whether the file is good.
 */
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import { procedure, query } from "../gate/operation.ts";
import type { LicenseTestAnswer } from "./answers.ts";
import { LICENSE_BYTES_MAX } from "./document.ts";
import type { Entitlements } from "./entitlements.ts";

/** The way to the License Server. The lease holder is one. */
export interface LicenseServerLink {
  /** Hands the file over; resolves when the License Server has accepted it. Throws its Fault when it has not. */
  install(file: Uint8Array): Promise<void>;
  /** Asks what installing the file would do. */
  test(file: Uint8Array): Promise<LicenseTestAnswer>;
  /** Has it read its file again. */
  reload(): Promise<void>;
}

function requireAdministrator(caller: Caller): void {
  if (caller.kind === "user" && caller.isAdministrator) return;
  throw new Fault("forbidden", "Only an administrator of the deployment may change its license.", {
    hint: "Ask an administrator, or use cyberun license install on the host.",
  });
}

export const readEntitlements = query("entitlements.read", async ({ entitlements }, _input: undefined): Promise<Entitlements> => entitlements);

interface Upload {
  readonly file: Uint8Array;
  readonly server: LicenseServerLink;
}

function requireSize(file: Uint8Array): void {
  if (file.length > LICENSE_BYTES_MAX) throw new Fault("too_large", `A license file has at most ${LICENSE_BYTES_MAX} bytes.`);
}

/**
 * What the file would do, in the License Server's words; also for one that it would refuse. Nothing changes. No query: the
 * License Server of the same process reads the same store meanwhile.
 */
export const testUpload = procedure("license.request_test", async ({ caller }, { file, server }: Upload): Promise<LicenseTestAnswer> => {
  requireAdministrator(caller);
  requireSize(file);
  return await server.test(file);
});

/** Throws Fault `invalid_license` with the reason when the License Server refuses the file; then nothing has changed. */
export const uploadLicense = procedure(
  "license.upload",
  async ({ caller, write }, { file, server }: Upload): Promise<void> => {
    requireAdministrator(caller);
    requireSize(file);
    await server.install(file);
    await write(async ({ note }) => note({ subject: "license", details: { bytes: file.length } }));
  },
);

export const requestReload = procedure("license.request_reload", async ({ caller, write }, { server }: { readonly server: LicenseServerLink }): Promise<void> => {
  requireAdministrator(caller);
  await server.reload();
  await write(async ({ note }) => note({ subject: "license" }));
});
