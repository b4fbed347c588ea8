/**
 * Leases that a role must not obey, by the thousand: altered, spliced, replayed, reordered, delayed, meant for somebody
 * else, or signed by somebody else. `drill(rounds)` says how many of them were obeyed.
 */
import { signingKeyFromSeed, publicX, type SigningKey, thumbprint } from "../../src/crypto/jws.ts";
import { type Exchange, judgeFreshLease, LeaseError } from "../../src/license/holder/grant.ts";
import { type Lease, leaseRoles, signLease } from "../../src/license/lease.ts";
import { noMarks, raisedByAnswer } from "../../src/license/holder/marks.ts";
import { testVendor } from "../support/license.ts";

const NOW = 1_767_225_600;
const vendor = testVendor();
const strangers = testVendor("strangers");
const nonce = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
const newKey = () => signingKeyFromSeed(crypto.getRandomValues(new Uint8Array(32)));
const below = (limit: number) => Math.floor(Math.random() * limit);

interface Issued {
  readonly message: string;
  readonly lease: Lease;
  readonly exchange: Exchange;
}

const license = vendor.sign();
const foreignLicense = strangers.sign();

function leaseFor(exchange: Exchange, changes: Partial<Lease> = {}): Lease {
  const { role, client, clientNonce, serverNonce } = exchange;
  const { features, quotas } = vendor.payload();
  return {
    format: 1,
    lease_id: "drill",
    role,
    client,
    client_nonce: clientNonce,
    server_nonce: serverNonce,
    epoch: 1,
    counter: 2,
    issued_at: NOW,
    expires_at: NOW + 300,
    state: "ok",
    since: 0,
    reason: "",
    license,
    activated_at: 0,
    features,
    quotas,
    ...changes,
  };
}

function newExchange(instance: SigningKey): Exchange {
  return {
    instanceKey: publicX(instance.publicKey),
    role: leaseRoles[below(leaseRoles.length)] ?? "api",
    client: nonce(),
    trustedKeys: vendor.trusted,
    marks: noMarks,
    clientNonce: nonce(),
    serverNonce: nonce(),
    sentAt: NOW,
    receivedAt: NOW,
    anomalousWall: undefined,
  };
}

function issue(instance: SigningKey): Issued {
  const exchange = newExchange(instance);
  const lease = leaseFor(exchange);
  return { exchange, lease, message: signLease(instance, lease) };
}

function flipBit(message: string): string {
  const bytes = Buffer.from(message, "latin1");
  const at = below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << below(7));
  return bytes.toString("latin1");
}

function cutPiece(message: string): string {
  const at = below(message.length);
  return message.slice(0, at) + message.slice(at + 1 + below(20));
}

function splice(one: string, other: string): string {
  const [header = "", payload = "", signature = ""] = one.split(".");
  const [, otherPayload = "", otherSignature = ""] = other.split(".");
  return below(2) === 0 ? `${header}.${otherPayload}.${signature}` : `${header}.${payload}.${otherSignature}`;
}

type Attack = (instance: SigningKey) => { readonly message: string; readonly exchange: Exchange };

/** The state after the lease was accepted once. */
const after = ({ exchange, lease }: Issued): Exchange => ({ ...exchange, marks: raisedByAnswer(exchange.marks, thumbprint(exchange.instanceKey), lease) });

const attacks: Readonly<Record<string, Attack>> = {
  "a flipped bit": (instance) => {
    const { message, exchange } = issue(instance);
    return { message: flipBit(message), exchange };
  },
  "a piece cut out": (instance) => {
    const { message, exchange } = issue(instance);
    return { message: cutPiece(message), exchange };
  },
  "parts of two leases": (instance) => {
    const { message, exchange } = issue(instance);
    return { message: splice(message, issue(instance).message), exchange };
  },
  "the same answer again": (instance) => {
    const issued = issue(instance);
    return { message: issued.message, exchange: after(issued) };
  },
  "an answer to an earlier challenge": (instance) => {
    const { message, exchange } = issue(instance);
    return { message, exchange: { ...exchange, serverNonce: nonce() } };
  },
  "an answer to an earlier question": (instance) => {
    const { message, exchange } = issue(instance);
    return { message, exchange: { ...exchange, clientNonce: nonce() } };
  },
  "a lower counter, signed anew": (instance) => {
    const issued = issue(instance);
    const exchange = after(issued);
    return { message: signLease(instance, leaseFor(exchange, { counter: 1 })), exchange };
  },
  "a lower epoch, signed anew": (instance) => {
    const issued = issue(instance);
    const exchange = after(issued);
    return { message: signLease(instance, leaseFor(exchange, { epoch: 0, counter: 99 })), exchange };
  },
  "a delayed answer": (instance) => {
    const { message, exchange } = issue(instance);
    return { message, exchange: { ...exchange, sentAt: NOW + 91 + below(3_600), receivedAt: NOW + 4_000 } };
  },
  "another client's lease": (instance) => {
    const { message, exchange } = issue(instance);
    return { message, exchange: { ...exchange, client: nonce() } };
  },
  "another role's lease": (instance) => {
    const { message, exchange } = issue(instance);
    const role = exchange.role === "api" ? "issuer" : "api";
    return { message, exchange: { ...exchange, role } };
  },
  "another instance's signature": (instance) => {
    const exchange = newExchange(instance);
    return { message: signLease(newKey(), leaseFor(exchange)), exchange };
  },
  "another instance's signature under the pinned name": (instance) => {
    const exchange = newExchange(instance);
    return { message: signLease({ ...newKey(), kid: instance.kid }, leaseFor(exchange)), exchange };
  },
  "another vendor's license": (instance) => {
    const exchange = newExchange(instance);
    return { message: signLease(instance, leaseFor(exchange, { license: foreignLicense })), exchange };
  },
  "an altered license": (instance) => {
    const exchange = newExchange(instance);
    return { message: signLease(instance, leaseFor(exchange, { license: flipBit(license).slice(0, 65_000) })), exchange };
  },
  "a longer life than licensed": (instance) => {
    const exchange = newExchange(instance);
    return { message: signLease(instance, leaseFor(exchange, { expires_at: NOW + 301 + below(1_000_000) })), exchange };
  },
};

/** The long form. */
export const rounds = 200_000;

export interface FalseServerReport {
  readonly name: "false-server";
  readonly rounds: number;
  /** Every false lease that was obeyed, and every honest one that was not. */
  readonly violations: number;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly honestAccepted: number;
  /** What was obeyed although it must not be; empty when all is well. */
  readonly obeyed: readonly string[];
  /** Rounds for each kind of attack. */
  readonly tried: Readonly<Record<string, number>>;
}

function isObeyed({ message, exchange }: { readonly message: string; readonly exchange: Exchange }): boolean {
  try {
    judgeFreshLease(message, exchange);
    return true;
  } catch (error) {
    if (error instanceof LeaseError) return false;
    throw error;
  }
}

/** Tries `rounds` false leases, and an honest one beside each kind so that the drill cannot pass by refusing everything. */
export function drill(rounds: number): FalseServerReport {
  const names = Object.keys(attacks);
  const obeyed: string[] = [];
  const tried: Record<string, number> = {};
  let honestAccepted = 0;
  const instance = newKey();
  for (let round = 0; round < rounds; round++) {
    const name = names[round % names.length] ?? "";
    const attack = attacks[name]?.(instance);
    tried[name] = (tried[name] ?? 0) + 1;
    if (attack === undefined || isObeyed(attack)) obeyed.push(name);
    if (round < names.length && isObeyed(issue(instance))) honestAccepted += 1;
  }
  const honestRefused = Math.min(rounds, names.length) - honestAccepted;
  const counted = { honestAccepted, obeyed, tried };
  return { name: "false-server", rounds, violations: obeyed.length + honestRefused, facts: counted, ...counted };
}
