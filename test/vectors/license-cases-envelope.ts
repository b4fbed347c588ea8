/** Vectors on the file and its JWS: sizes, line ends, encodings, header, keys and signature. */
import { createHash, createHmac } from "node:crypto";
import { base64url, type Case, flipped, goodHeader, license, licenseKey, partsOf, reference, sealed, strangeKey, trialKey, trusted, underHeader } from "./license-builder.ts";

const good = license();
const [header, payload, signature] = partsOf(good);
const payloadText = JSON.stringify(reference);

/** S + L instead of S (RFC 8032 section 5.1.7 demands S < L): the same signature in a second spelling. */
function malleated(): string {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const bytes = Buffer.from(signature, "base64url");
  const scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString("hex")}`) + order;
  const tail = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex").reverse();
  return base64url(Buffer.concat([bytes.subarray(0, 32), tail]));
}

/** The last character of 64 bytes in base64url has four bits without meaning; the next character only sets one of them. */
function secondSpelling(text: string): string {
  return text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1);
}

/** A license of exactly `bytes` bytes, good otherwise. */
function ofLength(bytes: number): string {
  const feature = (at: number) => `f${String(at).padStart(3, "0")}${"x".repeat(46)}`;
  const filler = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [feature(at), false]));
  const at = (nameLength: number) =>
    license({ customer: { id: "example", name: "n".repeat(nameLength) }, features: { global: filler(256), account: filler(43), team: {} } });
  for (let nameLength = 1; nameLength <= 200; nameLength++) {
    for (const end of ["", "\n", "\r\n"]) if (at(nameLength).length + end.length === bytes) return at(nameLength) + end;
  }
  throw new Error(`no filler gives ${bytes} bytes, from ${at(1).length} to ${at(200).length}`);
}

export const signatureCases: readonly Case[] = [
  { name: "flip in the header's first character", about: "the header is no longer JSON", expect: "malformed", file: flipped(good, 0, 0) },
  { name: "flip in the header's kid", about: "another key is named", expect: "unknown_key", file: flipped(good, 40, 0) },
  { name: "flip in the header's last character", about: "the header is no longer JSON", expect: "malformed", file: flipped(good, header.length - 1, 1) },
  { name: "flip of the high bit in the header", about: "a byte above 127 is not base64url; no decoder may drop it", expect: "malformed", file: flipped(good, 9, 7) },
  { name: "flip of the first dot", about: "two parts are left", expect: "malformed", file: flipped(good, header.length, 0) },
  { name: "flip in the payload's first character", about: "verified first, parsed after: the signature speaks, not the JSON", expect: "bad_signature", file: flipped(good, header.length + 1, 1) },
  { name: "flip in the middle of the payload", about: "one bit of content", expect: "bad_signature", file: flipped(good, header.length + 200, 0) },
  { name: "flip of the high bit in the payload", about: "a byte above 127 is not base64url", expect: "malformed", file: flipped(good, header.length + 201, 7) },
  { name: "flip of the second dot", about: "two parts are left", expect: "malformed", file: flipped(good, header.length + payload.length + 1, 0) },
  { name: "flip in the signature's first character", about: "one bit of R", expect: "bad_signature", file: flipped(good, good.length - signature.length, 1) },
  { name: "flip in the signature's S", about: "one bit of S", expect: "bad_signature", file: flipped(good, good.length - 30, 1) },
  { name: "flip of the line end", about: "a vertical tab is no line end", expect: "malformed", file: flipped(`${good}\n`, good.length, 0) },
  { name: "signed by a stranger under a trusted kid", about: "the kid chooses the key, the signature has to fit it", expect: "bad_signature", file: sealed(goodHeader(), payloadText, strangeKey) },
  { name: "signed by a stranger under its own kid", about: "no key is trusted because a file names it", expect: "unknown_key", file: license({}, strangeKey) },
  { name: "no key is trusted", about: "an empty set trusts nobody", expect: "unknown_key", file: good, keys: [] },
  { name: "only the other key is trusted", about: "the key was removed from the build", expect: "unknown_key", file: good, keys: trusted.slice(1) },
  { name: "kid with another letter case", about: "kids are compared byte by byte", expect: "unknown_key", file: underHeader({ kid: licenseKey.kid.toLowerCase() }) },
  { name: "kid is empty", about: "no default key", expect: "unknown_key", file: underHeader({ kid: "" }) },
  { name: "signature of another license", about: "a signature cannot be moved", expect: "bad_signature", file: `${header}.${payload}.${partsOf(license({ sequence: 8 }))[2]}` },
  { name: "payload of another license", about: "a payload cannot be moved", expect: "bad_signature", file: `${header}.${partsOf(license({ sequence: 8 }))[1]}.${signature}` },
  { name: "signature over the payload alone", about: "the header is signed too", expect: "bad_signature", file: `${header}.${payload}.${partsOf(sealed("", payloadText))[2]}` },
  { name: "signature of zeros", about: "R = 0 and S = 0", expect: "bad_signature", file: `${header}.${payload}.${base64url(Buffer.alloc(64))}` },
  { name: "signature with S + L", about: "the second spelling of the same signature (RFC 8032 section 5.1.7)", expect: "bad_signature", file: `${header}.${payload}.${malleated()}` },
  { name: "signature with the neutral point as R", about: "fits every message under a weak key, and no message under a good one", expect: "bad_signature", file: `${header}.${payload}.${base64url(Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]))}` },
  { name: "signature is empty", about: "unsigned", expect: "malformed", file: `${header}.${payload}.` },
  { name: "signature one byte short", about: "63 bytes", expect: "malformed", file: `${header}.${payload}.${base64url(Buffer.from(signature, "base64url").subarray(0, 63))}` },
  { name: "signature one byte long", about: "65 bytes", expect: "malformed", file: `${header}.${payload}.${base64url(Buffer.concat([Buffer.from(signature, "base64url"), Buffer.alloc(1)]))}` },
];

const hmacHeader = base64url(JSON.stringify({ alg: "HS256", kid: licenseKey.kid, typ: "cyberun-license+jws" }));
const hmac = createHmac("sha256", Buffer.from(trusted[0]?.x ?? "", "base64url")).update(`${hmacHeader}.${payload}`).digest();

export const headerCases: readonly Case[] = [
  { name: "alg none without a signature", about: "the oldest trick", expect: "wrong_algorithm", file: `${base64url(JSON.stringify({ alg: "none", kid: licenseKey.kid, typ: "cyberun-license+jws" }))}.${payload}.` },
  { name: "alg none with a good signature", about: "the algorithm comes from the key, and a header that says otherwise is refused", expect: "wrong_algorithm", file: underHeader({ alg: "none" }) },
  { name: "alg HS256 with the public key as secret", about: "algorithm confusion: everybody knows the public key", expect: "wrong_algorithm", file: `${hmacHeader}.${payload}.${base64url(hmac)}` },
  { name: "alg ES256", about: "another algorithm", expect: "wrong_algorithm", file: underHeader({ alg: "ES256" }) },
  { name: "alg RS256", about: "another algorithm", expect: "wrong_algorithm", file: underHeader({ alg: "RS256" }) },
  { name: "alg Ed25519", about: "the fully specified name of RFC 9864 is not this format's spelling", expect: "wrong_algorithm", file: underHeader({ alg: "Ed25519" }) },
  { name: "alg in lower case", about: "names are case-sensitive (RFC 7515 section 4.1.1)", expect: "wrong_algorithm", file: underHeader({ alg: "eddsa" }) },
  { name: "alg is missing", about: "no default", expect: "wrong_algorithm", file: underHeader({ alg: undefined }) },
  { name: "alg is a list", about: "not a string", expect: "wrong_algorithm", file: underHeader({ alg: ["EdDSA"] }) },
  { name: "alg is repeated, good one last", about: "two readers would see two algorithms", expect: "malformed", file: sealed(`{"alg":"none",${goodHeader().slice(1)}`, payloadText) },
  { name: "alg is repeated through an escape", about: "\\u0061lg is alg", expect: "malformed", file: sealed(`{"\\u0061lg":"none",${goodHeader().slice(1)}`, payloadText) },
  { name: "kid is repeated", about: "two readers would see two keys", expect: "malformed", file: sealed(`{"kid":${JSON.stringify(trialKey.kid)},${goodHeader().slice(1)}`, payloadText) },
  { name: "kid is missing", about: "no key is tried at random", expect: "malformed", file: underHeader({ kid: undefined }) },
  { name: "kid is a number", about: "not a string", expect: "malformed", file: underHeader({ kid: 1 }) },
  { name: "typ is missing", about: "documents of other kinds are signed too", expect: "wrong_type", file: underHeader({ typ: undefined }) },
  { name: "typ of a lease", about: "a signature for one kind of document serves no other", expect: "wrong_type", file: underHeader({ typ: "cyberun-lease+jws" }) },
  { name: "typ of a JWT", about: "a signature for one kind of document serves no other", expect: "wrong_type", file: underHeader({ typ: "JWT" }) },
  { name: "typ in upper case", about: "compared byte by byte", expect: "wrong_type", file: underHeader({ typ: "CYBERUN-LICENSE+JWS" }) },
  { name: "typ with the media type's prefix", about: "one spelling only", expect: "wrong_type", file: underHeader({ typ: "application/cyberun-license+jws" }) },
  { name: "header with crit", about: "a closed header has no extensions", expect: "malformed", file: underHeader({ crit: ["exp"], exp: 1 }) },
  { name: "header with b64", about: "RFC 7797 changes what is signed", expect: "malformed", file: underHeader({ b64: false, crit: ["b64"] }) },
  { name: "header with jwk", about: "a file that brings its own key", expect: "malformed", file: underHeader({ jwk: { kty: "OKP", crv: "Ed25519", x: trusted[0]?.x } }) },
  { name: "header with jku", about: "a file that names where to fetch a key", expect: "malformed", file: underHeader({ jku: "https://keys.example/jwks" }) },
  { name: "header with x5c", about: "a file that brings its own certificate", expect: "malformed", file: underHeader({ x5c: ["AAAA"] }) },
  { name: "header with x5u", about: "a file that names where to fetch a certificate", expect: "malformed", file: underHeader({ x5u: "https://keys.example/cert" }) },
  { name: "header with zip", about: "nothing is unpacked", expect: "malformed", file: underHeader({ zip: "DEF" }) },
  { name: "header with an unknown member", about: "exactly alg, kid, typ", expect: "malformed", file: underHeader({ note: "hello" }) },
  { name: "header with __proto__", about: "not a member but a door in some languages", expect: "malformed", file: sealed(`{"__proto__":{},${goodHeader().slice(1)}`, payloadText) },
  { name: "header is a list", about: "not an object", expect: "malformed", file: sealed("[]", payloadText) },
  { name: "header is null", about: "not an object", expect: "malformed", file: sealed("null", payloadText) },
  { name: "header is not JSON", about: "a word", expect: "malformed", file: sealed("license", payloadText) },
  { name: "header is empty", about: "the first part is missing", expect: "malformed", file: sealed("", payloadText) },
  { name: "header longer than 512 characters", about: "refused before it is decoded", expect: "malformed", file: underHeader({ kid: "k".repeat(400) }) },
  { name: "header members in another order", about: "order has no meaning", expect: "ok", file: sealed(JSON.stringify({ typ: "cyberun-license+jws", kid: licenseKey.kid, alg: "EdDSA" }), payloadText) },
  { name: "header with white space", about: "JSON allows it, and the signature covers it", expect: "ok", file: sealed(JSON.stringify(JSON.parse(goodHeader()), null, 2), payloadText) },
];

export const encodingCases: readonly Case[] = [
  { name: "the reference license", about: "everything is as it should be", expect: "ok", file: good },
  { name: "with a line end", about: "editors and copies add one", expect: "ok", file: `${good}\n` },
  { name: "with a carriage return and line end", about: "so do other systems", expect: "ok", file: `${good}\r\n` },
  { name: "exactly as large as a file may be", about: "24,576 bytes", expect: "ok", file: ofLength(24_576) },
  { name: "one byte too large", about: "refused before anything is decoded", expect: "too_large", file: ofLength(24_577) },
  { name: "far too large and not a license", about: "the size is looked at first", expect: "too_large", file: ".".repeat(30_000) },
  { name: "two line ends", about: "one at most", expect: "malformed", file: `${good}\n\n` },
  { name: "a carriage return alone", about: "no line end", expect: "malformed", file: `${good}\r` },
  { name: "a line end before it", about: "nothing stands before the header", expect: "malformed", file: `\n${good}` },
  { name: "a line end inside", about: "a mail program broke the line", expect: "malformed", file: `${good.slice(0, 300)}\n${good.slice(300)}` },
  { name: "a space inside", about: "lenient decoders skip it", expect: "malformed", file: `${good.slice(0, 300)} ${good.slice(300)}` },
  { name: "a space after it", about: "white space is no part of a license", expect: "malformed", file: `${good} ` },
  { name: "text after it", about: "trailing bytes", expect: "malformed", file: `${good}\nand more` },
  { name: "a byte of zero after it", about: "trailing bytes that a C string would hide", expect: "malformed", file: `${good}\0` },
  { name: "a byte order mark before it", about: "some editors add one", expect: "malformed", file: Buffer.concat([Buffer.from("efbbbf", "hex"), Buffer.from(good)]) },
  { name: "in UTF-16", about: "some editors save so", expect: "malformed", file: Buffer.from(good, "utf16le") },
  { name: "empty", about: "nothing", expect: "malformed", file: "" },
  { name: "a line end only", about: "nothing", expect: "malformed", file: "\n" },
  { name: "truncated in the payload", about: "a broken copy", expect: "malformed", file: good.slice(0, 400) },
  { name: "truncated in the signature", about: "a broken copy", expect: "malformed", file: good.slice(0, -20) },
  { name: "truncated by one character", about: "a broken copy", expect: "malformed", file: good.slice(0, -1) },
  { name: "four parts", about: "one dot too many", expect: "malformed", file: `${good}.` },
  { name: "five parts", about: "an encrypted JWE has five", expect: "malformed", file: `${good}.AAAA.AAAA` },
  { name: "dots only", about: "three empty parts", expect: "malformed", file: ".." },
  { name: "payload with padding", about: "RFC 7515 section 2: no padding", expect: "malformed", file: `${header}.${payload}==.${signature}` },
  { name: "signature with padding", about: "the bytes are the same, the spelling is not", expect: "malformed", file: `${good}==` },
  { name: "signature in the standard alphabet", about: "plus and slash instead of minus and underscore", expect: "malformed", file: `${header}.${payload}.${Buffer.from(signature, "base64url").toString("base64")}` },
  { name: "signature with a second spelling", about: "the last character's idle bits are not zero; lenient decoders read the same bytes", expect: "malformed", file: secondSpelling(good) },
  { name: "header of an impossible length", about: "4n + 1 characters stand for no bytes", expect: "malformed", file: `${header}${"A".repeat((5 - (header.length % 4)) % 4)}.${payload}.${signature}` },
  { name: "JWS in JSON serialization", about: "RFC 7515 section 7.2 is not this format", expect: "malformed", file: JSON.stringify({ payload, protected: header, signature }) },
  { name: "JWS in general JSON serialization", about: "nor is the one with several signatures", expect: "malformed", file: JSON.stringify({ payload, signatures: [{ protected: header, signature }] }) },
  { name: "a license inside a license", about: "the payload is a signed license, not its content", expect: "malformed", file: sealed(goodHeader(), good) },
  { name: "a license quoted inside a license", about: "the payload is a string", expect: "bad_format", file: sealed(goodHeader(), JSON.stringify(good)) },
  { name: "PEM armour around it", about: "only the JWS itself", expect: "malformed", file: `-----BEGIN LICENSE-----\n${good}\n-----END LICENSE-----\n` },
  { name: "its digest instead of it", about: "a wrong file", expect: "malformed", file: createHash("sha256").update(good).digest("hex") },
];
