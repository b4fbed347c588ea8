/**
 * A certificate authority of one's own, for sites that have none: made once, it signs what this host shows on its ports.
 *
 *     DIR/ca.pem      the authority's certificate: browsers and agents are given this one
 *     DIR/ca.key      its private key, 0600
 *     DIR/server.pem  what the ports show: the server's certificate and then the authority's
 *     DIR/server.key  its private key, 0600
 *
 * Rule: writes into its own folder, and never over an authority that is there.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostsOf } from "../certificates.ts";
import { writeFileDurably } from "../data-directory.ts";
import { Fault } from "../fault.ts";
import type { Services } from "../services.ts";
import { type Party, writeCertificate } from "./certificate.ts";

export const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
/** Browsers take no certificate for longer than 398 days. */
const SERVER_DAYS = 365;
/** From so many days before its end a certificate of the authority here is made anew by the server itself. */
export const RENEWAL_DAYS = 30;
/** Clocks of clients may be slow. */
const BACKDATED_MS = 3_600_000;
const SERIAL_BYTES = 16;

export interface TlsFolder {
  readonly authority: string;
  readonly authorityKey: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function tlsFolder(folder: string): TlsFolder {
  return { authority: join(folder, "ca.pem"), authorityKey: join(folder, "ca.key"), certFile: join(folder, "server.pem"), keyFile: join(folder, "server.key") };
}

type Outside = Pick<Services, "clock" | "random">;

interface Signer extends Party {
  readonly key: KeyObject;
  readonly pem: string;
  readonly notAfterMs: number;
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The serial's first bit is clear, so that it is positive in as many bytes (RFC 5280 section 4.1.2.2). */
function serialOf({ random }: Outside): Uint8Array {
  const serial = random.bytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function makeAuthority({ authority, authorityKey }: TlsFolder, outside: Outside): Signer {
  const key = newKey();
  const now = outside.clock.now();
  const party = { name: `Cyberun local authority ${new Date(now).toISOString().slice(0, 10)}`, publicKey: createPublicKey(key) };
  const notAfterMs = now + AUTHORITY_DAYS * DAY_MS;
  const pem = writeCertificate({ subject: party, issuer: party, issuerKey: key, serial: serialOf(outside), notBeforeMs: now - BACKDATED_MS, notAfterMs, hosts: undefined });
  mkdirSync(dirname(authority), { recursive: true, mode: 0o700 });
  writeFileDurably(authorityKey, pemOf(key));
  writeFileDurably(authority, pem);
  return { ...party, key, pem, notAfterMs };
}

function readAuthority({ authority, authorityKey }: TlsFolder): Signer {
  try {
    const pem = readFileSync(authority, "utf8");
    const certificate = new X509Certificate(pem);
    const key = createPrivateKey(readFileSync(authorityKey, "utf8"));
    if (!certificate.checkPrivateKey(key)) throw new Error("the key is not the certificate's");
    const [, name = ""] = /^CN=(.*)$/m.exec(certificate.subject) ?? [];
    return { name, publicKey: certificate.publicKey, key, pem, notAfterMs: Date.parse(certificate.validTo) };
  } catch (cause) {
    throw new Fault("conflict", `The authority in ${dirname(authority)} cannot sign: ${authority} or ${authorityKey} is missing, damaged or of another pair.`, {
      hint: "Put both files back from a backup, or move the folder away and make a new authority, which everybody has to be given again.",
      cause,
    });
  }
}

function signServer(folder: TlsFolder, authority: Signer, { hosts, outside }: { readonly hosts: readonly string[]; readonly outside: Outside }): void {
  const [first = ""] = hosts;
  const key = newKey();
  const now = outside.clock.now();
  // What outlives its authority is no good from then on anyway.
  const notAfterMs = Math.min(now + SERVER_DAYS * DAY_MS, authority.notAfterMs);
  const subject = { name: first.slice(0, 64), publicKey: createPublicKey(key) };
  const pem = writeCertificate({ subject, issuer: authority, issuerKey: authority.key, serial: serialOf(outside), notBeforeMs: now - BACKDATED_MS, notAfterMs, hosts });
  // Between the two the pair does not match, and a server that looks just then keeps the one it has.
  writeFileDurably(folder.keyFile, pemOf(key));
  writeFileDurably(folder.certFile, `${pem}${authority.pem}`);
}

export interface Made {
  readonly hosts: readonly string[];
  readonly isNewAuthority: boolean;
}

/** Makes what is missing of the authority, and a server certificate for `hosts`; without any, for those of the one before. */
export function makeCertificates(folder: TlsFolder, hosts: readonly string[], outside: Outside): Made {
  const isNewAuthority = !existsSync(folder.authority) && !existsSync(folder.authorityKey);
  const wanted = hosts.length > 0 || !existsSync(folder.certFile) ? hosts : hostsOf(new X509Certificate(readFileSync(folder.certFile)));
  if (wanted.length === 0) {
    throw new Fault("invalid_request", "It is not said whom the certificate shall be for.", { hint: "Name every host name and address that people and agents use: --host cyberun.example.com,10.0.0.5" });
  }
  signServer(folder, isNewAuthority ? makeAuthority(folder, outside) : readAuthority(folder), { hosts: wanted, outside });
  return { hosts: wanted, isNewAuthority };
}

/** Whether the certificate in `certFile` is one that the authority beside it signed, and ends soon. */
function isDue(folder: TlsFolder, nowMs: number, leadMs: number): boolean {
  const certificate = new X509Certificate(readFileSync(folder.certFile));
  const authority = new X509Certificate(readFileSync(folder.authority));
  const endsMs = Date.parse(certificate.validTo);
  const isOwn = certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  return isOwn && endsMs - nowMs <= leadMs && endsMs < Date.parse(authority.validTo);
}

/** Makes the certificate anew when it is one of the authority beside it and ends within `leadMs`; says whether it did. */
export function renewOwnCertificate(certFile: string, outside: Outside, leadMs = RENEWAL_DAYS * DAY_MS): boolean {
  const folder = tlsFolder(dirname(certFile));
  const isOurs = folder.certFile === certFile && existsSync(certFile) && existsSync(folder.authority) && existsSync(folder.authorityKey);
  if (!isOurs || !isDue(folder, outside.clock.now(), leadMs)) return false;
  makeCertificates(folder, [], outside);
  return true;
}
