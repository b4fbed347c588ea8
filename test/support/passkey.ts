/**
 * An authenticator with a browser in front of it, in a test: makes passkeys and answers with them, and lies wherever a
 * test says so.
 *
 *     const device = authenticatorDevice(site.gate);
 *     const { passkey } = await addPasskey(site.gate, owner, { display_name: "Laptop", credential: device.create(options) });
 *     await completeSession(site.gate, anonymous, { step_token, passkey: device.get(options), kind: "token" });
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import type { CreationOptions, RequestOptions } from "../../src/identity/passkeys/options.ts";
import { addPasskey, enrolPasskey, type AddedPasskey } from "../../src/identity/passkeys/passkeys.ts";
import { PASSWORD } from "./people.ts";

/** What may be other than it should. */
export interface Lies {
  readonly type?: string;
  readonly origin?: string;
  readonly challenge?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly rpId?: string;
  /** Bits of the authenticator data: 1 present, 4 verified, 8 may be copied, 16 is copied. */
  readonly flags?: number;
  readonly counter?: number;
  readonly userHandle?: string | null;
  readonly id?: string;
  readonly rawId?: string;
  readonly credentialType?: string;
  readonly signature?: Buffer;
  /** Signs with another key. */
  readonly key?: KeyObject;
  readonly fmt?: string;
  readonly statement?: ReadonlyMap<unknown, unknown>;
  readonly alg?: number;
  /** In place of the whole client data. */
  readonly clientText?: string;
  readonly authenticatorText?: Buffer;
}

export interface Device {
  readonly credentialId: string;
  readonly userHandle: string;
  counter: number;
  create(options: CreationOptions, lies?: Lies): Record<string, unknown>;
  get(options: RequestOptions, lies?: Lies): Record<string, unknown>;
}

const PRESENT = 1;
const VERIFIED = 4;
const ATTESTED = 64;

/** CBOR (RFC 8949) as far as attestation objects need it. */
function cbor(value: unknown): Buffer {
  const head = (major: number, length: number) =>
    length < 24 ? Buffer.from([(major << 5) | length]) : length < 256 ? Buffer.from([(major << 5) | 24, length]) : Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
  if (typeof value === "number") return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)])]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  throw new Error("no such value in this CBOR");
}

const text = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();

function coseKey(publicKey: KeyObject, alg: number): Buffer {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const entries: [number, unknown][] = [[1, 2], [3, alg], [-1, 1], [-2, Buffer.from(x, "base64url")], [-3, Buffer.from(y, "base64url")]];
  return cbor(new Map<unknown, unknown>(entries));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A device with one passkey, which verifies its owner and counts. */
export function authenticatorDevice({ settings }: Pick<Gate, "settings">): Device {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const credentialId = text(crypto.getRandomValues(new Uint8Array(32)));
  let handle = "";
  const device: Device = { credentialId, get userHandle() { return handle; }, counter: 0, create, get };

  function collected(type: string, challenge: string, lies: Lies): string {
    if (lies.clientText !== undefined) return lies.clientText;
    const { topOrigin } = lies;
    return JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? new URL(settings.issuerUrl).origin,
      crossOrigin: lies.crossOrigin ?? false,
      ...(topOrigin === undefined ? {} : { topOrigin }),
    });
  }

  function authenticated(rpId: string, lies: Lies, attested = Buffer.alloc(0)): Buffer {
    device.counter += 1;
    const flags = (lies.flags ?? PRESENT | VERIFIED) | (attested.length > 0 ? ATTESTED : 0);
    return lies.authenticatorText ?? Buffer.concat([sha256(lies.rpId ?? rpId), Buffer.from([flags]), uint32(lies.counter ?? device.counter), attested]);
  }

  function create(options: CreationOptions, lies: Lies = {}): Record<string, unknown> {
    handle = options.user.id;
    const id = Buffer.from(credentialId, "base64url");
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([id.length >> 8, id.length & 255]), id, coseKey(publicKey, lies.alg ?? -7)]);
    const clientDataJSON = collected("webauthn.create", options.challenge, lies);
    const object = new Map<unknown, unknown>([["fmt", lies.fmt ?? "none"], ["attStmt", lies.statement ?? new Map()], ["authData", authenticated(options.rp.id, lies, attested)]]);
    const response = { clientDataJSON: text(clientDataJSON), attestationObject: text(cbor(object)), transports: ["internal"] };
    return { id: lies.id ?? credentialId, rawId: lies.rawId ?? lies.id ?? credentialId, type: lies.credentialType ?? "public-key", response, clientExtensionResults: {}, authenticatorAttachment: "platform" };
  }

  function get(options: RequestOptions, lies: Lies = {}): Record<string, unknown> {
    const clientDataJSON = collected("webauthn.get", options.challenge, lies);
    const data = authenticated(options.rpId, lies);
    const signature = lies.signature ?? sign("sha256", Buffer.concat([data, sha256(clientDataJSON)]), lies.key ?? privateKey);
    const userHandle = lies.userHandle === undefined ? handle : lies.userHandle;
    const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(data), signature: text(signature), userHandle };
    return { id: lies.id ?? credentialId, rawId: lies.rawId ?? lies.id ?? credentialId, type: lies.credentialType ?? "public-key", response, clientExtensionResults: {} };
  }

  return device;
}

/** A key that is nobody's. */
export function foreignKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

export interface WithPasskey extends AddedPasskey {
  readonly device: Device;
}

/** A device whose passkey is the caller's. */
export async function addDevice(gate: Gate, caller: UserCaller, display_name = "Laptop"): Promise<WithPasskey> {
  const device = authenticatorDevice(gate);
  const options = await enrolPasskey(gate, caller, { current_password: PASSWORD });
  return { device, ...(await addPasskey(gate, caller, { display_name, credential: device.create(options) })) };
}
