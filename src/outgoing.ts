/**
 * Whom outgoing TLS connections trust: the built-in authorities, and those that the operator adds for the own network.
 *
 * Rule: adds trust for transport only. No certificate here vouches for a license or a lease.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { Fault } from "./fault.ts";
import type { Services } from "./services.ts";

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates in a PEM file, each of them readable. Throws Fault `invalid_request`. */
function readCertificates(file: string): readonly string[] {
  const found = readFileSync(file, "utf8").match(certificate) ?? [];
  try {
    for (const pem of found) new X509Certificate(pem);
  } catch (cause) {
    throw new Fault("invalid_request", `The file ${file} holds a certificate that cannot be read.`, { hint: "It must hold certificates in PEM.", cause });
  }
  if (found.length > 0) return found;
  throw new Fault("invalid_request", `The file ${file} holds no certificate.`, { hint: "It must hold one or more certificates in PEM." });
}

/** `services` whose connections also trust the certificates in `caFile`. The runtime would otherwise trust them alone. */
export function withExtraCa(services: Services, caFile: string | undefined): Services {
  if (caFile === undefined) return services;
  const ca = [...rootCertificates, ...readCertificates(caFile)];
  return { ...services, fetch: (url, init) => services.fetch(url, { ...init, tls: { ca } }) };
}
