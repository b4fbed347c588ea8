/** The check on every request's path: what the lease holder says right now, and whether a feature is in it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably, prepareDataDirectory } from "../../../src/data-directory.ts";
import { encodeBase64url } from "../../../src/crypto/base64url.ts";
import { type Qualified, requireLicensed } from "../../../src/license/entitlements.ts";
import { type LeaseHolder, startLeaseHolder } from "../../../src/license/holder/lease-holder.ts";
import { realServices } from "../../../src/services.ts";
import { testVendor } from "../../support/license.ts";
import { type LicenseServerDouble, startDouble } from "../../support/license-server-double.ts";
import { atMost, type Bench, compared, type Figure } from "../figure.ts";
import { column, contest } from "../rounds.ts";

const CHECKS = 2_000_000;
const ROUNDS = 9;
const NANOSECONDS_MAX = 1_000;

/** Four in turn, so that no compiler can work the answer out beforehand. */
const features: readonly [Qualified, Qualified, Qualified, Qualified] = [
  { namespace: "team", key: "webhooks" },
  { namespace: "global", key: "mcp_server" },
  { namespace: "account", key: "manual_team_creation" },
  { namespace: "global", key: "oidc_provider" },
];

const services = realServices();
const vendor = testVendor("bench");

/** A real lease holder with the real clock, holding a lease of a License Server made of the protocol alone. */
async function heldLease(folder: string, server: LicenseServerDouble): Promise<LeaseHolder> {
  const directory = prepareDataDirectory(join(folder, "data"));
  writeFileDurably(directory.instanceKey, `${encodeBase64url(server.seed)}\n`);
  writeFileDurably(directory.enrolSecret, `${encodeBase64url(services.random.bytes(32))}\n`);
  const holder = startLeaseHolder({
    services,
    log: { write: () => {} },
    role: "api",
    addresses: [server.address],
    directory,
    trustedKeys: vendor.trusted,
    version: "bench",
  });
  await holder.whenSettled();
  return holder;
}

function nanoseconds(check: (feature: Qualified) => void): number {
  const startedAtMs = performance.now();
  for (let done = 0; done < CHECKS; done += features.length) for (const feature of features) check(feature);
  return ((performance.now() - startedAtMs) * 1_000_000) / CHECKS;
}

/** Calls of read and write that this process has made (proc(5), io); undefined where the system does not tell. */
function inputsAndOutputs(): number | undefined {
  try {
    const text = readFileSync("/proc/self/io", "latin1");
    return Number(/^syscr: (\d+)$/m.exec(text)?.[1]) + Number(/^syscw: (\d+)$/m.exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

/** Reads and writes during `work`, beyond those that the counting costs itself. */
function ioDuring(work: () => void): number | undefined {
  const [first, second] = [inputsAndOutputs(), inputsAndOutputs()];
  work();
  const third = inputsAndOutputs();
  return first === undefined || second === undefined || third === undefined ? undefined : third - second - (second - first);
}

function rawCheck(): (feature: Qualified) => void {
  const granted = new Map(features.map(({ key }) => [key, true]));
  return ({ key }) => {
    if (granted.get(key) !== true) throw new Error("off");
  };
}

async function figure(holder: LeaseHolder): Promise<Figure> {
  const ours = (feature: Qualified) => requireLicensed(holder.entitlements(), feature);
  const raw = rawCheck();
  const pairs = await contest({ rounds: ROUNDS, warmUps: 2, ours: () => nanoseconds(ours), raw: () => nanoseconds(raw) });
  const numbers = compared(column(pairs, (value) => value));
  const io = ioDuring(() => void nanoseconds(ours));
  return {
    name: "entitlement.check",
    title: "Entitlement check",
    unit: "ns",
    rawLoop: "one Map look-up and one comparison",
    ...numbers,
    bars: [atMost("ns, slowest round", NANOSECONDS_MAX, numbers.ours.max), ...(io === undefined ? [] : [atMost(`reads and writes in ${CHECKS.toLocaleString("en-US")} checks`, 0, io)])],
    notes: ["Ours reads the wall clock and the monotonic clock in each check, so that a license ends at its very second without a timer; that is most of its cost."],
  };
}

export const entitlementCheck: Bench = {
  name: "entitlement",
  title: "Entitlement check",
  async measure({ scratch }) {
    const server = startDouble({ services, vendor, name: "bench" });
    const holder = await heldLease(scratch, server);
    try {
      return [await figure(holder)];
    } finally {
      await holder.stop();
      await server.stop();
    }
  },
};
