/**
 * The file of trusted keys, `license-keys.json`: public Ed25519 keys (RFC 7517, RFC 8037) and what each may sign.
 *
 * Rule: pure. Content goes in, keys or a Fault that names the oddity come out; half a good file is no file. `trust.ts`
 * reads the embedded one with it, the vendor's tool the one it writes.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { JwsError, publicKeyFromX, thumbprint } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import type { TrustedKey } from "./document.ts";

const closed = { additionalProperties: false };
/** A public JWK (RFC 7517, RFC 8037 section 2) and what it may sign. Closed, so that a private member has no place. */
const KeySchema = Type.Object(
  {
    kid: Type.String(),
    kty: Type.Literal("OKP"),
    crv: Type.Literal("Ed25519"),
    x: Type.String(),
    use: Type.Literal("sig"),
    purpose: Type.Union([Type.Literal("license"), Type.Literal("trial")]),
    /** Epoch seconds. For people; no check looks at it. */
    created_at: Type.Integer({ minimum: 0 }),
  },
  closed,
);
const KeysSchema = Type.Object({ keys: Type.Array(KeySchema, { minItems: 1, maxItems: 64 }) }, closed);

export type EmbeddedKey = Static<typeof KeySchema>;
export type EmbeddedKeys = Static<typeof KeysSchema>;

const keysShape = shapeOf(KeysSchema);

function refused(reason: string): Fault {
  return new Fault("invalid_request", `The trusted license keys are refused: ${reason}.`, {
    hint: "The file license-keys.json is written by cyberun-vendor keys create; restore it or make it anew.",
  });
}

function hasPrivateMember(json: unknown): boolean {
  if (typeof json !== "object" || json === null || !("keys" in json) || !Array.isArray(json.keys)) return false;
  return json.keys.some((key: unknown) => typeof key === "object" && key !== null && "d" in key);
}

function trustedKey({ kid, x, purpose }: EmbeddedKey): TrustedKey {
  try {
    const publicKey = publicKeyFromX(x);
    if (thumbprint(x) !== kid) throw refused(`the kid ${kid} is not the key's thumbprint (RFC 7638)`);
    return { kid, purpose, publicKey };
  } catch (cause) {
    if (!(cause instanceof JwsError)) throw cause;
    throw refused(`the key ${kid} is not usable: ${cause.message}`);
  }
}

/** The shape of `license-keys.json`, or a Fault that says what is wrong with it. */
export function parseEmbeddedKeys(json: unknown): EmbeddedKeys {
  if (hasPrivateMember(json)) throw refused("a key carries its private half (d); treat that key as lost and make a new one");
  if (keysShape.Check(json)) return json;
  const [first] = keysShape.Errors(json);
  throw refused(`${first?.instancePath || "/"} ${first?.message ?? ""}`);
}

/** The trusted keys that the content of a `license-keys.json` stands for. Pure. Throws a Fault for anything odd in it. */
export function readTrustedKeys(json: unknown): readonly TrustedKey[] {
  const keys = parseEmbeddedKeys(json).keys.map(trustedKey);
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw refused("a key is listed twice");
  return keys;
}
