/**
 * What the operator configured and domains need to know: lifetimes and public addresses.
 *
 * Rule: plain and complete; `config.ts` reads it from outside once, and a role hands it to every operation.
 */
import type { AddressRange } from "./addresses.ts";

import type { DialAllowance } from "./dialler.ts";
import type { Logo } from "./logo.ts";
import { type Lifetimes, presets } from "./lifetimes.ts";
import type { HeldProvider } from "./upstream-provider.ts";

export const smtpTlsModes = ["starttls", "tls", "none"] as const;
/** `starttls`: the connection is upgraded or given up. `tls`: from the first byte. `none`: in clear. */
export type SmtpTls = (typeof smtpTlsModes)[number];

export const forwardedHeaders = ["x-forwarded-for", "forwarded"] as const;
/** By which a proxy says who its client is. */
export type ForwardedHeader = (typeof forwardedHeaders)[number];

/** Whose word about a client's address counts. */
export interface TrustedProxies {
  readonly networks: readonly AddressRange[];
  readonly header: ForwardedHeader;
}

/** Requests a minute; 0: no limit. */
export interface RateLimitSettings {
  readonly source: number;
  readonly credential: number;
  readonly stranger: number;
}

export interface Settings extends Lifetimes {
  /** The issuer's name in tokens and discovery (RFC 8414 section 2), without a slash at the end. */
  readonly issuerUrl: string;
  /** Where people and programs reach the API, without a slash at the end; the audience of access tokens. */
  readonly publicUrl: string;
  /** Where agents dial, and where tunnels are reached, without a slash at the end. */
  readonly gatewayUrl: string;
  /** Whether there is a mail server to hand mail to; the license has its say besides. */
  readonly hasMailServer: boolean;
  /** What may be reached, beside the internet, by an address that somebody supplied. */
  readonly dialAllow: readonly DialAllowance[];
  /** Upstream providers of the config file. */
  readonly upstreamProviders: readonly HeldProvider[];
  /** What the pages show beside the deployment's name. */
  readonly logo: Logo | undefined;
}

export const defaultSettings: Settings = {
  ...presets.onprem,
  issuerUrl: "http://localhost:9403",
  publicUrl: "http://localhost:9401",
  gatewayUrl: "http://localhost:9402",
  hasMailServer: false,
  dialAllow: [],
  upstreamProviders: [],
  logo: undefined,
};
