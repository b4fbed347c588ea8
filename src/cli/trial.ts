/**
 * `cyberun trial`: all of it at once for somebody who wants to see it, with the license that came with this build.
 *
 * Rule: it is `serve`; it only puts a license where there is none, and says in one block what a person needs next.
 */
import { existsSync } from "node:fs";
import type { Config } from "../config.ts";
import { prepareDataDirectory, writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import { licenseRemedies } from "../license/entitlements.ts";
import { bundledLicense } from "../license/trust.ts";
import type { Context, Result } from "./context.ts";
import { instantText } from "./license-text.ts";
import { type Served, serveUntilStopped } from "./serve.ts";

const LABEL_WIDTH = 17;

/** The bundled license where the license is looked for; one that lies there is never touched. */
function provideLicense({ dataDir, licenseFile, roles }: Config): void {
  const { licenseFile: own } = prepareDataDirectory(dataDir);
  if (existsSync(licenseFile) || !roles.includes("license")) return;
  if (licenseFile !== own) throw new Fault("not_found", `There is no license file ${licenseFile}.`, { hint: "Without --license the trial uses the license that came with this build." });
  if (bundledLicense === "") {
    throw new Fault("not_found", "This build came without a trial license.", { hint: "Ask the vendor for one and name it with --license FILE." });
  }
  writeFileDurably(licenseFile, bundledLicense);
}

async function announce({ config, services }: Context, { running }: Served): Promise<Result> {
  const { urls } = running;
  const setupUrl = config.roles.includes("api") ? await running.setupLink() : undefined;
  const entitlements = running.entitled?.entitlements();
  const expiresAt = entitlements?.license?.expiresAt;
  const minutes = Math.floor(config.lifetimes.setupLinkSeconds / 60);
  const license = entitlements === undefined ? "not asked for" : `${entitlements.state}${entitlements.license === undefined ? "" : `, ${entitlements.license.template}`}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Dashboard", urls.api],
    ["Set up", setupUrl === undefined ? undefined : `${setupUrl}\n${" ".repeat(LABEL_WIDTH + 2)}works once, for ${minutes} minutes; a new one: cyberun admin setup-link --data-dir ${config.dataDir}`],
    ["License", `${license}${expiresAt === undefined ? "" : `, ends ${instantText(expiresAt)}`}`],
    ["What to do", entitlements === undefined || entitlements.state === "ok" ? undefined : licenseRemedies[entitlements.state]],
    ["Gateway", urls.gateway],
    ["Issuer", urls.issuer],
    ["License Server", urls.license],
    ["Data", config.dataDir],
    ["Stop", "press Ctrl-C"],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(LABEL_WIDTH)}${value}`]));
  return {
    data: {
      urls,
      setup_url: setupUrl ?? null,
      license: { state: entitlements?.state ?? null, ends_at: expiresAt === undefined ? null : new Date(expiresAt * 1_000).toISOString() },
      data_dir: config.dataDir,
      started_at: new Date(services.clock.now()).toISOString(),
    },
    text: ["", "Cyberun trial is ready.", "", ...lines, ""].join("\n"),
  };
}

export async function trial(context: Context): Promise<undefined> {
  provideLicense(context.config);
  return await serveUntilStopped(context, (served) => announce(context, served));
}
