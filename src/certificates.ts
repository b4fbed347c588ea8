/**
 * The operator's certificates: what this host shows on its ports, and whom its own connections trust.
 *
 * Rule: trust for transport only. No certificate here vouches for a license or a lease.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { Fault } from "./fault.ts";
import type { Services } from "./services.ts";

/** A certificate chain and its key, as PEM texts. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault("invalid_request", `The file ${file} cannot be read.`, { hint: "Check that it is a file and that this user may read it.", cause });
  }
}

/** The certificates in a PEM file, the first one first, each of them readable. */
function readCertificates(file: string): readonly [X509Certificate, ...X509Certificate[]] {
  const found = readText(file).match(certificate) ?? [];
  try {
    const [first, ...rest] = found.map((pem) => new X509Certificate(pem));
    if (first !== undefined) return [first, ...rest];
  } catch (cause) {
    throw new Fault("invalid_request", `The file ${file} holds a certificate that cannot be read.`, { hint: "It must hold certificates in PEM.", cause });
  }
  throw new Fault("invalid_request", `The file ${file} holds no certificate.`, { hint: "It must hold one or more certificates in PEM." });
}

function readPrivateKey(file: string): KeyObject {
  try {
    return createPrivateKey(readText(file));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("invalid_request", `The file ${file} holds no private key that can be read.`, { hint: "It must hold a private key in PEM without a passphrase.", cause });
  }
}

/** What the ports show. Throws Fault `invalid_request` for files that cannot be, before any port is opened. */
export function readServerCertificate(files: CertificateFiles): ServerCertificate {
  const [leaf] = readCertificates(files.certFile);
  if (leaf.checkPrivateKey(readPrivateKey(files.keyFile))) return { cert: readText(files.certFile), key: readText(files.keyFile) };
  throw new Fault("invalid_request", `The key in ${files.keyFile} is not that of the first certificate in ${files.certFile}.`, {
    hint: "Name the key that the certificate was made for; the server's own certificate comes first in its file.",
  });
}

/** The certificates in a PEM file, for whoever wants to tell of them. */
export function readChain(file: string): readonly X509Certificate[] {
  return readCertificates(file);
}

/** The host names and addresses that a certificate is for. */
export function hostsOf({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^,]+)/g)].map(([, host = ""]) => host);
}

/** Whose certificates the port of the License Server lets in (PEM). */
export function readClientAuthorities(file: string): string {
  return readCertificates(file).map((each) => each.toString()).join("");
}

/** What connections trust beside and with the certificates in `caFile`; undefined leaves it to the runtime. */
export function trustedBeside(caFile: string | undefined): readonly string[] | undefined {
  return caFile === undefined ? undefined : [...rootCertificates, ...readCertificates(caFile).map((each) => each.toString())];
}

/** `services` whose connections also trust the certificates in `caFile`. The runtime would otherwise trust them alone. */
export function withExtraCa(services: Services, caFile: string | undefined): Services {
  const ca = trustedBeside(caFile);
  if (ca === undefined) return services;
  const { network } = services;
  return {
    ...services,
    fetch: (url, init) => services.fetch(url, { ...init, tls: { ca: [...ca], ...init?.tls } }),
    network: { resolve: (hostname) => network.resolve(hostname), exchange: (exchange) => network.exchange({ ...exchange, ca }) },
  };
}

/** `services` that show a certificate to servers that ask for one. It is looked up for each request, since it is replaced. */
export function withClientCertificate(services: Services, current: (() => ServerCertificate) | undefined): Services {
  if (current === undefined) return services;
  return { ...services, fetch: (url, init) => services.fetch(url, { ...init, tls: { ...current(), ...init?.tls } }) };
}

/**
 * `services` that reach the addresses `own`, ports which this very process has open, whatever name its certificate is
 * for: that is seldom the address the port is bound to. Nobody else can answer there, and a lease is believed for its
 * signatures.
 */
export function reachingOwn(services: Services, own: readonly string[]): Services {
  const origins = own.map((url) => new URL(url).origin);
  const isOwn = (url: string) => origins.includes(new URL(url).origin);
  return { ...services, fetch: (url, init) => services.fetch(url, isOwn(url) ? { ...init, tls: { ...init?.tls, rejectUnauthorized: false } } : init) };
}

/** How a role is asked: where, and by which fetch. */
export interface Way {
  url(): string;
  readonly fetch: Services["fetch"];
}

/** The way to a role that may be of this process, at `own`, whose certificate is then not asked for its name, or is reached at `url`. */
export function wayToOwn(services: Services, own: () => string | undefined, url: () => string): Way {
  return {
    url: () => own() ?? url(),
    fetch(address, init) {
      const bound = own();
      return (bound === undefined ? services : reachingOwn(services, [bound])).fetch(address, init);
    },
  };
}
