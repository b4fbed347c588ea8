/** The authority of a site's own: what it writes is judged by openssl and by the runtime's own TLS, and it is renewed in time. */
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readServerCertificate } from "../../src/certificates.ts";
import { createLog } from "../../src/log.ts";
import { realServices } from "../../src/services.ts";
import { CertificateWatch, LOOK_MS } from "../../src/tls/certificate-watch.ts";
import { DAY_MS, makeCertificates, renewOwnCertificate, tlsFolder } from "../../src/tls/local-authority.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { Fault } from "../../src/fault.ts";
import { testServices } from "../support/services.ts";
import { testNeeding } from "../support/skip.ts";

const hosts = ["cyberun.example", "localhost", "127.0.0.1", "2001:db8::1"];

function refused(attempt: () => unknown): Fault {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was expected to be refused, and was not");
}

function openssl(...args: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync(["openssl", ...args], { stdout: "pipe", stderr: "pipe" });
  return `${stdout.toString()}${stderr.toString()}`;
}

testNeeding("openssl", "openssl reads both certificates, verifies the chain strictly, and finds every host", () => {
  using temporary = temporaryFolder();
  const folder = tlsFolder(join(temporary.path, "tls"));
  makeCertificates(folder, hosts, realServices());
  for (const host of hosts) {
    const asked = host.includes(":") || /^[0-9.]+$/.test(host) ? ["-verify_ip", host] : ["-verify_hostname", host];
    expect(openssl("verify", "-x509_strict", "-purpose", "sslserver", ...asked, "-CAfile", folder.authority, folder.certFile)).toContain(": OK");
  }
  expect(openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", folder.authority, folder.certFile)).toContain(": OK");
  expect(openssl("verify", "-verify_hostname", "elsewhere.example", "-CAfile", folder.authority, folder.certFile)).toContain("hostname mismatch");
  const text = openssl("x509", "-in", folder.authority, "-noout", "-text");
  for (const part of ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "ecdsa-with-SHA256", "Version: 3"]) expect(text).toContain(part);
  expect(openssl("pkey", "-in", folder.keyFile, "-noout", "-check")).toContain("Key is valid");
});

test("keys are for their owner alone, and no two certificates are of one serial", () => {
  using temporary = temporaryFolder();
  const folder = tlsFolder(join(temporary.path, "tls"));
  expect(makeCertificates(folder, hosts, realServices()).isNewAuthority).toBe(true);
  const first = new X509Certificate(readFileSync(folder.certFile));
  const authority = readFileSync(folder.authority, "utf8");
  expect([folder.authorityKey, folder.keyFile].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  expect(makeCertificates(folder, [], realServices())).toMatchObject({ hosts: [...hosts.slice(0, 3), expect.stringMatching(/^2001:db8:/i)], isNewAuthority: false });
  expect(readFileSync(folder.authority, "utf8")).toBe(authority);
  const second = new X509Certificate(readFileSync(folder.certFile));
  expect(second.serialNumber).not.toBe(first.serialNumber);
  expect(second.checkIP("2001:db8::1")).toBeDefined();
  expect(second.checkIssued(new X509Certificate(authority))).toBe(true);
});

describe("what is refused", () => {
  test("no host, and an authority of which a half is gone", () => {
    using temporary = temporaryFolder();
    const folder = tlsFolder(temporary.path);
    expect(refused(() => makeCertificates(folder, [], realServices())).hint).toContain("--host");
    makeCertificates(folder, ["a.example"], realServices());
    rmSync(folder.authorityKey);
    expect(refused(() => makeCertificates(folder, ["a.example"], realServices()))).toMatchObject({ code: "conflict", message: expect.stringContaining("missing, damaged") });
  });
});

test("it is renewed in its last 30 days and not before, and never one of another authority's", () => {
  using temporary = temporaryFolder();
  const services = testServices();
  const folder = tlsFolder(temporary.path);
  makeCertificates(folder, ["a.example"], services);
  services.clock.stepWall(334 * DAY_MS);
  expect(renewOwnCertificate(folder.certFile, services)).toBe(false);
  services.clock.stepWall(2 * DAY_MS);
  expect(renewOwnCertificate(folder.certFile, services)).toBe(true);
  expect(readServerCertificate(folder).cert).toContain("BEGIN CERTIFICATE");
  expect(Date.parse(new X509Certificate(readFileSync(folder.certFile)).validTo)).toBe(services.clock.now() + 365 * DAY_MS);
  using other = temporaryFolder();
  makeCertificates(tlsFolder(other.path), ["b.example"], services);
  for (const name of ["server.pem", "server.key"]) writeFileSync(join(folder.authority, "..", name), readFileSync(join(other.path, name)));
  services.clock.stepWall(360 * DAY_MS);
  expect(renewOwnCertificate(folder.certFile, services)).toBe(false);
});

test("a pair that is half copied is told of once, the one before stays, and the whole pair is taken", () => {
  using temporary = temporaryFolder();
  using other = temporaryFolder();
  const services = testServices();
  const lines: string[] = [];
  const [folder, next] = [tlsFolder(temporary.path), tlsFolder(other.path)];
  makeCertificates(folder, ["a.example"], services);
  makeCertificates(next, ["b.example"], services);
  const watch = new CertificateWatch({ files: folder, services, log: createLog(services.clock, "info", (line) => lines.push(line)) });
  const taken: string[] = [];
  watch.onChange(({ cert }) => taken.push(cert));
  const before = watch.current;
  writeFileSync(folder.keyFile, readFileSync(next.keyFile));
  services.clock.advance(3 * LOOK_MS);
  expect([taken, watch.current, watch.isStale, lines.filter((line) => line.includes("tls.not_reloaded")).length]).toEqual([[], before, true, 1]);
  expect(lines.join("")).not.toContain("PRIVATE KEY-----\\nM");
  writeFileSync(folder.certFile, readFileSync(next.certFile));
  services.clock.advance(LOOK_MS);
  expect([taken.length, watch.isStale, watch.reloads, new X509Certificate(watch.current.cert).checkHost("b.example")]).toEqual([1, false, 1, "b.example"]);
  watch.stop();
  expect(services.clock.timers()).toBe(0);
});

test("the commands make, show and warn; --json has the same facts", async () => {
  using temporary = temporaryFolder();
  const services = testServices();
  const inFolder = (...argv: readonly string[]) => run([...argv, "--folder", temporary.path], { services });
  expect(await inFolder("tls", "show")).toMatchObject({ exit: 5 });
  expect(await inFolder("tls", "init", "--host", "https://a.example")).toMatchObject({ exit: 2, out: "" });
  const made = await inFolder("tls", "init", "--host", "a.example,10.0.0.5");
  expect(made).toMatchObject({ exit: 0, err: "" });
  for (const part of ["For          a.example, 10.0.0.5", "--tls-cert-file", "ca.pem"]) expect(made.out).toContain(part);
  const shown = await inFolder("tls", "show", "--json");
  expect(JSON.parse(shown.out).certificates).toMatchObject([{ hosts: ["a.example", "10.0.0.5"], is_authority: false, days_left: 365 }, { is_authority: true, days_left: 3_650 }]);
  expect((await inFolder("tls", "show", "--warn-days", "365")).exit).toBe(0);
  expect((await inFolder("tls", "show", "--warn-days", "366")).exit).toBe(10);
  expect((await inFolder("tls", "show", "--warn-days", "soon")).exit).toBe(2);
});

test("a server that shows a certificate of the authority beside it renews it under way, and takes it", () => {
  using temporary = temporaryFolder();
  const services = testServices();
  const folder = tlsFolder(temporary.path);
  makeCertificates(folder, ["a.example"], services);
  const watch = new CertificateWatch({ files: folder, services, log: createLog(services.clock, "info", () => {}) });
  services.clock.stepWall(334 * DAY_MS);
  services.clock.advance(LOOK_MS);
  expect([watch.reloads, watch.expiresInSeconds < 31 * 86_400]).toEqual([0, true]);
  services.clock.stepWall(2 * DAY_MS);
  services.clock.advance(2 * LOOK_MS);
  expect([watch.reloads, watch.expiresInSeconds > 364 * 86_400]).toEqual([1, true]);
  watch.stop();
});
