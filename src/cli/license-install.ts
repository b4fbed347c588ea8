/** `cyberun license test`, `install` and `reload`: from a file in the operator's hand to a license in force. */
import { existsSync } from "node:fs";
import { dataDirectory, hasDataDirectory } from "../data-directory.ts";
import { LICENSE_BYTES_MAX } from "../license/document.ts";
import { hostFiles } from "../license/server/host-parts.ts";
import { InForce } from "../license/server/in-force.ts";
import { testOf } from "../license/server/rehearsal.ts";
import { noMarks } from "../license/server/marks.ts";
import { trustedKeys } from "../license/trust.ts";
import type { VendorFile } from "../license/vendor-file.ts";
import { installLicense, reloadLicense, testLicense } from "../roles/operator/calls.ts";
import type { LicenseStatusAnswer, LicenseTestAnswer } from "../license/answers.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_LICENSE, EXIT_OK } from "./exit-codes.ts";
import { readNamedFile } from "./files.ts";
import { readVendorFile } from "./license-inspect.ts";
import { statusLines } from "./license-status.ts";
import { openOperator, type Operator } from "./operator.ts";
import { buildTime } from "../version.ts";

/** A license is ASCII; any other byte is kept as it is, so that the reader refuses it and nothing mends it. */
function travelling(bytes: Buffer): string {
  return bytes.toString("latin1");
}

function differenceLine({ key, from, to }: { readonly key: string; readonly from: unknown; readonly to: unknown }): string {
  return `  ${key}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}

/** The test on a host where no License Server has run yet: nothing to compare with, but dates, host and cluster are. */
function testOnNewHost({ config, services }: Context, bytes: Buffer): LicenseTestAnswer {
  const { clusterId } = config;
  const site = new InForce({ clock: services.clock, trustedKeys, clusterId, hostFiles: hostFiles("/"), buildTime }, noMarks);
  const { differences, warnings, ...rest } = testOf(site.judge({ kind: "found", bytes }), site.moment());
  return { ...rest, differences: [...differences], warnings: [...warnings] };
}

async function testHere(context: Context, bytes: Buffer): Promise<LicenseTestAnswer> {
  const { instanceKey, operatorSocket } = dataDirectory(context.config.dataDir);
  const isNewHost = !hasDataDirectory(context.config) || !(existsSync(instanceKey) || existsSync(operatorSocket));
  if (isNewHost) return testOnNewHost(context, bytes);
  await using way = await openOperator(context);
  return await way.ask(testLicense, { license: travelling(bytes) });
}

export async function licenseTest(context: Context): Promise<Result> {
  const [path = ""] = context.operands;
  const test = await testHere(context, readNamedFile(path, LICENSE_BYTES_MAX));
  const refused = test.outcome === "refused";
  const lines = [
    refused ? `It would be refused (${test.refusal}): ${test.message}` : test.message,
    ...(test.outcome === "accepted" ? [`The state would be ${test.state}.`] : []),
    ...(test.differences.length === 0 ? [] : ["What would change:", ...test.differences.map(differenceLine)]),
    ...test.warnings.map((warning) => `Warning: ${warning}`),
  ];
  return { data: test, text: lines.join("\n"), exit: refused ? EXIT_LICENSE : EXIT_OK };
}

interface Done {
  readonly status: LicenseStatusAnswer;
  readonly way: Operator["way"];
  /** What was done, one sentence. */
  readonly sentence: string;
}

function inForce({ services, config }: Context, { status, way, sentence }: Done): Result {
  const now = Math.floor(services.clock.now() / 1_000);
  const note = way === "server" ? "API server, gateway and issuer follow within seconds; no restart is needed." : "No server runs on this data directory now; it acts when one starts.";
  return {
    data: { ...status, license_file: config.licenseFile, is_server_running: way === "server" },
    text: [sentence, ...statusLines(status, now), note].join("\n"),
  };
}

function installed(file: VendorFile): string {
  if (file.kind === "license") return `Installed ${file.license.license_id}, sequence ${file.license.sequence}.`;
  return `Took the revocation of ${file.revocation.license_id}, sequence ${file.revocation.sequence}.`;
}

export async function licenseInstall(context: Context): Promise<Result> {
  const [path = ""] = context.operands;
  const file = readVendorFile(path);
  await using way = await openOperator(context, { mayCreate: true });
  const status = await way.ask(installLicense, { license: travelling(file.bytes) });
  return inForce(context, { status, way: way.way, sentence: installed(file) });
}

export async function licenseReload(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const status = await way.ask(reloadLicense, null);
  return inForce(context, { status, way: way.way, sentence: "Read the license file again." });
}
