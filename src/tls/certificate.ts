/**
 * X.509 certificates (RFC 5280), as few kinds of them as a site of one's own needs: an authority, and what it signs for
 * hosts. ECDSA over P-256 with SHA-256, which every client of the last fifteen years takes.
 *
 * Rule: writes what it is told and decides nothing. The runtime has a reader and no writer; a library for it is ten times
 * the executable's share for what forty lines of DER do.
 */
import { createHash, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import { findPeerAddress } from "../cidr.ts";
import { bits, explicit, identifier, implicit, instant, integer, isTrue, octets, sequence, set, utf8 } from "./der.ts";

export interface Party {
  readonly name: string;
  readonly publicKey: KeyObject;
}

export interface CertificateRequest {
  readonly subject: Party;
  readonly issuer: Party;
  readonly issuerKey: KeyObject;
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Host names and addresses that it is for; undefined makes an authority. */
  readonly hosts: readonly string[] | undefined;
}

const ecdsaWithSha256 = sequence(identifier("1.2.840.10045.4.3.2"));
const PEM_LINE = 64;

const nameOf = (text: string) => sequence(set(sequence(identifier("2.5.4.3"), utf8(text))));

function keyIdOf(key: KeyObject): Buffer {
  return createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest().subarray(0, 20);
}

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(identifier(id), ...(isCritical ? [isTrue] : []), octets(value));
}

/** A host name or an address as a certificate names it (RFC 5280 section 4.2.1.6). */
function alternative(host: string): Buffer {
  if (isIP(host) === 0) return implicit(2, Buffer.from(host, "latin1"));
  const bytes = Buffer.from(findPeerAddress(host) ?? []);
  return implicit(7, isIP(host) === 4 ? bytes.subarray(-4) : bytes);
}

function extensionsOf({ subject, issuer, hosts }: CertificateRequest): Buffer {
  const keys = [extension("2.5.29.14", octets(keyIdOf(subject.publicKey))), extension("2.5.29.35", sequence(implicit(0, keyIdOf(issuer.publicKey))))];
  if (hosts === undefined) {
    // It signs certificates and nothing else, and no authority below it (sections 4.2.1.3 and 4.2.1.9).
    return sequence(extension("2.5.29.19", sequence(isTrue, integer(Uint8Array.of(0))), true), extension("2.5.29.15", bits(Uint8Array.of(0x06), 1), true), ...keys);
  }
  return sequence(
    extension("2.5.29.19", sequence(), true),
    extension("2.5.29.15", bits(Uint8Array.of(0x80), 7), true),
    // A role shows the same certificate to a License Server that asks for one.
    extension("2.5.29.37", sequence(identifier("1.3.6.1.5.5.7.3.1"), identifier("1.3.6.1.5.5.7.3.2"))),
    extension("2.5.29.17", sequence(...hosts.map(alternative))),
    ...keys,
  );
}

/** The certificate, in PEM. */
export function writeCertificate(request: CertificateRequest): string {
  const { subject, issuer, issuerKey, serial, notBeforeMs, notAfterMs } = request;
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(instant(notBeforeMs), instant(notAfterMs)),
    nameOf(subject.name),
    subject.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, extensionsOf(request)),
  );
  const der = sequence(body, ecdsaWithSha256, bits(sign("sha256", body, { key: issuerKey, dsaEncoding: "der" })));
  const lines = der.toString("base64").match(new RegExp(`.{1,${PEM_LINE}}`, "g")) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
