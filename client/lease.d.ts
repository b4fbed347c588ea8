/**
 * Features and quotas of the deployment's license for a product of one's own: a client of the License Server that holds a signed lease,
 * renews it, and obeys it with the rules of Cyberun's own roles: 24 hours of grace when no License Server answers, none after
 * the license's end, and no way back to an older license or clock.
 */
export type Namespace = "global" | "account" | "team";

export interface LeaseOptions {
  /** Addresses of License Servers, the preferred one first, such as http://localhost:9400. */
  readonly servers: readonly string[];
  /** A folder of the product's own, for its key and its last lease; made 0700 when it is absent. */
  readonly stateDir: string;
  /** The vendor's `license-keys.json`, parsed. Embed it in the product: whoever can replace it can make licenses. */
  readonly licenseKeys: unknown;
  /** What `cyberun license join-token` prints; needed until the first lease. */
  readonly joinToken?: string;
  /** Version of the product, for the deployment's audit log. */
  readonly version?: string;
  /** Told what goes on, one event at a time. Nothing secret is in it. */
  readonly onLog?: (level: "debug" | "info" | "warn" | "error", event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** How the license stands for the product now. */
export interface Standing {
  /** `ok`, `expiring`, `unreachable` (within the grace): gated work may go on. Anything else shuts it. */
  readonly state: string;
  readonly isOpen: boolean;
  /** One sentence on why, where the state alone does not say it. */
  readonly reason: string | undefined;
  /** Epoch seconds; undefined without a license. */
  readonly expiresAt: number | undefined;
  /** Epoch seconds; while no License Server answers. */
  readonly graceEndsAt: number | undefined;
  readonly licenseId: string | undefined;
  readonly customerName: string | undefined;
}

/** Thrown by {@link HeldLease.require}: the license is not good, or does not carry the feature. */
export class NotLicensed extends Error {
  /** 503 while the license is not good, 403 when the feature is off. */
  readonly status: number;
  /** The state's name, or `feature_disabled`. */
  readonly code: string;
  readonly hint: string | undefined;
}

export interface HeldLease extends AsyncDisposable {
  standing(): Standing;
  /** Whether the license is good and carries the feature. Costs no I/O. */
  hasFeature(namespace: Namespace, key: string): boolean;
  /** The cap of a quota: -1 unlimited, 0 none, above 0 a hard cap. 0 while the license is not good. */
  quota(namespace: Namespace, key: string): number;
  /** Throws {@link NotLicensed} unless {@link hasFeature}; without a feature, unless the license is good. */
  require(namespace?: Namespace, key?: string): void;
  /** Calls the listener whenever what is granted changes. Gives back what ends it. */
  onChange(listener: (standing: Standing) => void): () => void;
  /** Asks a License Server now. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Begins to hold a lease; resolves after the first attempt, whatever came of it. Throws for options that cannot be right. */
export function openLease(options: LeaseOptions): Promise<HeldLease>;
