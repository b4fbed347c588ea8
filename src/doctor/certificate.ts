/** What is looked at in the certificate of the ports: whether it can be used, for whom, and until when. */
import { hostsOf, readChain, readServerCertificate } from "../certificates.ts";
import { type Check, ok, type Patient, problem, warning } from "./check.ts";

const DAY_MS = 86_400_000;
/** Days before its end from which a certificate is worth a word. */
const WARNING_DAYS = 30;

/** Addresses by https whose host the certificate is not for. */
function strangeHosts({ config, addresses: { publicUrl, issuerUrl, gatewayUrl } }: Patient, matches: (host: string) => boolean): readonly string[] {
  if (config.tls === undefined) return [];
  const hosts = [publicUrl, issuerUrl, gatewayUrl].map((url) => new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
  return [...new Set(hosts)].filter((host) => !matches(host));
}

export async function certificateCheck(patient: Patient): Promise<readonly Check[]> {
  const { config: { tls }, services } = patient;
  const name = "certificate";
  if (tls === undefined) return [];
  readServerCertificate(tls);
  const [leaf] = readChain(tls.certFile);
  if (leaf === undefined) return [];
  const [now, from, until] = [services.clock.now(), Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (now >= until) return [problem(name, `That in ${tls.certFile} is over since ${day(until)}.`, "Put a new one in its place; a running server takes it without a restart.")];
  if (now < from) return [problem(name, `That in ${tls.certFile} is not valid before ${day(from)}.`, "Check the clock of this host, or whoever made the certificate.")];
  const strange = strangeHosts(patient, (host) => leaf.checkHost(host) !== undefined || leaf.checkIP(host) !== undefined);
  if (strange.length > 0) return [warning(name, `It is for ${hostsOf(leaf).join(", ")}, and not for ${strange.join(", ")}.`, "Fine where a proxy in front shows another one; else get one that names it too.")];
  const says = `That in ${tls.certFile} is good until ${day(until)}.`;
  return [until - now <= WARNING_DAYS * DAY_MS ? warning(name, says, "Put a new one in its place; a running server takes it without a restart.") : ok(name, says)];
}
