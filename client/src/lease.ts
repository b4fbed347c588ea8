/** A product's own lease: the holder of Cyberun's roles, with the product's folder, keys and clock. */
import { randomBytes, randomUUID } from "node:crypto";
import { prepareDataDirectory } from "../../src/data-directory.ts";
import { Fault } from "../../src/fault.ts";
import { hasFeature, licenseStates, quotaLimit, requireLicensed } from "../../src/license/entitlements.ts";
import { LeaseHolder } from "../../src/license/holder/lease-holder.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { type Log, redact } from "../../src/log.ts";
import { realServices, type Services } from "../../src/services.ts";
import type { HeldLease, LeaseOptions, Namespace, Standing } from "../lease.d.ts";

/** The role under which the License Server knows products. */
const ROLE = "product";

export class NotLicensed extends Error {
  override readonly name = "NotLicensed";
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor({ message, status, code, hint }: Fault) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The runtime's own, without what only one runtime has. */
function services(): Services {
  const { clock, network, fetch: ask } = realServices();
  const bytes = (count: number) => new Uint8Array(randomBytes(count));
  return { clock, network, fetch: ask, random: { bytes, uuid: () => randomUUID(), fraction: () => (randomBytes(4).readUInt32BE() ?? 0) / 2 ** 32 } };
}

function logTo(onLog: LeaseOptions["onLog"]): Log {
  return {
    write(level, event, fields = {}) {
      const plain = redact(fields);
      onLog?.(level, event, typeof plain === "object" && plain !== null ? { ...plain } : {});
    },
  };
}

function standingOf(holder: LeaseHolder): Standing {
  const { state, reason, license, graceEndsAt } = holder.entitlements();
  return { state, isOpen: licenseStates[state].open, reason, expiresAt: license?.expiresAt, graceEndsAt, licenseId: license?.licenseId, customerName: license?.customerName };
}

function requireOptions({ servers }: LeaseOptions): void {
  if (servers.length === 0 || servers.some((server) => !/^https?:\/\//.test(server))) throw new TypeError("servers has to name one License Server or more, such as http://localhost:9400");
}

export async function openLease(options: LeaseOptions): Promise<HeldLease> {
  requireOptions(options);
  const { servers, stateDir, licenseKeys, joinToken, version = "0", onLog } = options;
  const holder = new LeaseHolder({
    services: services(),
    log: logTo(onLog),
    role: ROLE,
    addresses: servers,
    directory: prepareDataDirectory(stateDir),
    trustedKeys: readTrustedKeys(licenseKeys),
    version,
    joinToken,
  });
  await holder.whenSettled();
  const isOpen = () => licenseStates[holder.entitlements().state].open;
  const close = () => holder.stop();
  return {
    standing: () => standingOf(holder),
    hasFeature: (namespace, key) => isOpen() && hasFeature(holder.entitlements(), { namespace, key }),
    quota: (namespace, key) => (isOpen() ? quotaLimit(holder.entitlements(), { namespace, key }) : 0),
    require(namespace?: Namespace, key?: string) {
      try {
        requireLicensed(holder.entitlements(), namespace === undefined || key === undefined ? undefined : { namespace, key });
      } catch (error) {
        throw error instanceof Fault ? new NotLicensed(error) : error;
      }
    },
    onChange: (listener) => holder.onChange(() => listener(standingOf(holder))),
    refresh: () => holder.refresh(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
