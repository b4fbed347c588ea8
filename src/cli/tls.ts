/** `cyberun tls init` and `cyberun tls show`: a site's own authority, and what the ports show. */
import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { hostsOf, readChain, readServerCertificate } from "../certificates.ts";
import { Fault } from "../fault.ts";
import { DAY_MS, makeCertificates, type TlsFolder, tlsFolder } from "../tls/local-authority.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_ENDS_SOON, EXIT_OK } from "./exit-codes.ts";
import { warnDaysOf } from "./license-status.ts";

const HOSTS_MAX = 32;
const hostName = /^(?=.{1,253}$)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

function hostsGiven(text: string | undefined): readonly string[] {
  const hosts = (text ?? "").split(",").map((host) => host.trim().toLowerCase()).filter((host) => host !== "");
  const wrong = hosts.find((host) => isIP(host) === 0 && !hostName.test(host));
  if (wrong !== undefined) throw new Fault("invalid_request", `--host: ${JSON.stringify(wrong)} is no host name and no address.`, { hint: "Name hosts without scheme and port, such as cyberun.example.com or 10.0.0.5." });
  if (hosts.length > HOSTS_MAX) throw new Fault("invalid_request", `--host takes at most ${HOSTS_MAX} names.`, { hint: "Name those that people and agents use." });
  return [...new Set(hosts)];
}

function folderOf({ config, options }: Context): TlsFolder {
  const given = options.get("folder");
  return tlsFolder(given === undefined ? join(config.dataDir, "tls") : resolve(given));
}

interface Told {
  readonly subject: string;
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly is_authority: boolean;
  readonly not_before: string;
  readonly not_after: string;
  readonly days_left: number;
  readonly sha256_fingerprint: string;
}

function told(certificate: X509Certificate, nowMs: number): Told {
  const untilMs = Date.parse(certificate.validTo);
  return {
    subject: certificate.subject.replaceAll("\n", ", "),
    hosts: hostsOf(certificate),
    issuer: certificate.issuer.replaceAll("\n", ", "),
    is_authority: certificate.ca,
    not_before: new Date(Date.parse(certificate.validFrom)).toISOString(),
    not_after: new Date(untilMs).toISOString(),
    days_left: Math.floor((untilMs - nowMs) / DAY_MS),
    sha256_fingerprint: certificate.fingerprint256,
  };
}

function linesOf(each: Told): readonly string[] {
  return [
    `Subject      ${each.subject}${each.is_authority ? " (authority)" : ""}`,
    ...(each.hosts.length === 0 ? [] : [`For          ${each.hosts.join(", ")}`]),
    `Issued by    ${each.issuer}`,
    `From         ${each.not_before}`,
    `Until        ${each.not_after} (${each.days_left < 0 ? "over" : `${each.days_left} ${each.days_left === 1 ? "day" : "days"} left`})`,
    `SHA-256      ${each.sha256_fingerprint}`,
  ];
}

export async function tlsInit(context: Context): Promise<Result> {
  const { services, options } = context;
  const folder = folderOf(context);
  const { hosts, isNewAuthority } = makeCertificates(folder, hostsGiven(options.get("hosts")), services);
  const certificates = readChain(folder.certFile).map((each) => told(each, services.clock.now()));
  return {
    data: { is_new_authority: isNewAuthority, hosts, authority_file: folder.authority, cert_file: folder.certFile, key_file: folder.keyFile, certificates },
    text: [
      isNewAuthority ? "An authority of this site was made, and a certificate that it signed." : "The authority was there already; it signed a new certificate.",
      "",
      ...certificates.flatMap((each) => [...linesOf(each), ""]),
      `Show it      cyberun serve --tls-cert-file ${folder.certFile} --tls-key-file ${folder.keyFile}`,
      `Trust it     give ${folder.authority} to browsers and hosts; commands and agents take it as --extra-ca-file`,
    ].join("\n"),
  };
}

export async function tlsShow(context: Context): Promise<Result> {
  const { config, services, options } = context;
  const warnDays = warnDaysOf(options);
  const own = folderOf(context);
  const isOwn = options.has("folder") || config.tls === undefined;
  const files = isOwn || config.tls === undefined ? own : config.tls;
  if (isOwn && !existsSync(own.certFile)) {
    throw new Fault("not_found", `No certificate is set, and there is no ${own.certFile}.`, { hint: "Name one with --tls-cert-file and --tls-key-file, or make one: cyberun tls init --host NAME" });
  }
  readServerCertificate(files);
  const certificates = readChain(files.certFile).map((each) => told(each, services.clock.now()));
  const endsSoon = warnDays !== undefined && certificates.some((each) => each.days_left < warnDays);
  return {
    data: { cert_file: files.certFile, certificates },
    text: [`File         ${files.certFile}`, ...certificates.flatMap((each) => ["", ...linesOf(each)])].join("\n"),
    exit: endsSoon ? EXIT_ENDS_SOON : EXIT_OK,
  };
}
