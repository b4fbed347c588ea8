/** `cyberun license status`: how the license stands, asked of the License Server as anybody may. */
import { shapeOf } from "../shape.ts";
import { readServerCertificate, withClientCertificate, withExtraCa } from "../certificates.ts";
import { type Config, licenseServersOf } from "../config.ts";
import { Fault } from "../fault.ts";
import { type LicenseStatusAnswer, LicenseStatusSchema } from "../license/answers.ts";
import type { Services } from "../services.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_ENDS_SOON, EXIT_LICENSE, EXIT_OK, type ExitCode } from "./exit-codes.ts";
import { instantText } from "./license-text.ts";

/** An address that takes longer is passed over. */
const ANSWER_MS_MAX = 5_000;
const DAY_SECONDS = 86_400;
/** The states in which a License Server grants leases. */
const goodStates: readonly string[] = ["ok", "expiring"];

const shape = shapeOf(LicenseStatusSchema);

function daysText(seconds: number): string {
  const days = Math.floor(seconds / DAY_SECONDS);
  if (seconds < 0) return "over";
  return days === 0 ? "less than a day left" : `${days} ${days === 1 ? "day" : "days"} left`;
}

/** The lines that tell a status; `now` in epoch seconds. */
export function statusLines({ state, reason, hint, license, problem }: LicenseStatusAnswer, now: number): readonly string[] {
  const facts =
    license === null
      ? []
      : [
          `Until        ${instantText(license.expires_at)} (${daysText(license.expires_at - now)})`,
          `License      ${license.license_id}, sequence ${license.sequence}, template ${license.template}, deployment ${license.deployment_id}`,
        ];
  return [
    `State        ${state}: ${reason}`,
    ...facts,
    ...(problem === null ? [] : [`File         the file that lies there is not in force (${problem.refusal}): ${problem.message}`]),
    `What to do   ${hint}`,
  ];
}

/** What the License Server at `address` says; undefined when it does not answer as one. */
export async function askLicenseServer(services: Services, address: string): Promise<LicenseStatusAnswer | undefined> {
  const abort = new AbortController();
  const cancel = services.clock.after(ANSWER_MS_MAX, () => abort.abort());
  try {
    const response = await services.fetch(`${address}/v1/status`, { signal: abort.signal, redirect: "error" });
    const body: unknown = response.ok ? await response.json() : undefined;
    return shape.Check(body) ? body : undefined;
  } catch {
    // Refused, late, cut, another protocol: this address has no answer, and the next one is asked.
    return undefined;
  } finally {
    cancel();
  }
}

/** `services` as a License Server wants to be asked: with the certificate of this host, where it asks for one. */
export function askingLicenseServers(services: Services, { extraCaFile, tlsClient }: Pick<Config, "extraCaFile" | "tlsClient">): Services {
  const certificate = tlsClient === undefined ? undefined : readServerCertificate(tlsClient);
  return withClientCertificate(withExtraCa(services, extraCaFile), certificate === undefined ? undefined : () => certificate);
}

/** The days within which an end is worth an exit code of its own. Throws Fault `invalid_request` for what is no number of days. */
export function warnDaysOf(options: Context["options"]): number | undefined {
  const given = options.get("warnDays");
  if (given === undefined || /^\d{1,4}$/.test(given)) return given === undefined ? undefined : Number(given);
  throw new Fault("invalid_request", "--warn-days takes a whole number of days from 0 to 9999.", { hint: "For example --warn-days 30." });
}

function exitOf({ state, license }: LicenseStatusAnswer, now: number, warnDays: number | undefined): ExitCode {
  if (!goodStates.includes(state)) return EXIT_LICENSE;
  const endsSoon = warnDays !== undefined && license !== null && license.expires_at - now <= warnDays * DAY_SECONDS;
  return endsSoon ? EXIT_ENDS_SOON : EXIT_OK;
}

export async function licenseStatus({ config, options, services: plain }: Context): Promise<Result> {
  const warnDays = warnDaysOf(options);
  const services = askingLicenseServers(plain, config);
  const addresses = licenseServersOf(config, undefined);
  for (const address of addresses) {
    const status = await askLicenseServer(services, address);
    if (status === undefined) continue;
    const now = Math.floor(services.clock.now() / 1_000);
    return {
      data: { ...status, server_address: address },
      text: [...statusLines(status, now), `Server       ${address}`].join("\n"),
      exit: exitOf(status, now, warnDays),
    };
  }
  throw new Fault("unavailable", `No License Server answers at ${addresses.join(" or ")}.`, {
    hint: "Start it, or name its address with --license-server-addresses or CYBERUN_LICENSE_SERVER_ADDRESSES.",
  });
}
