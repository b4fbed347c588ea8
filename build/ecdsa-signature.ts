/**
 * An ECDSA signature as passkeys write it, and as the runtime checks it.
 *
 *     SEQUENCE { INTEGER r, INTEGER s }  (DER, RFC 3279 section 2.2.3)   →   r ‖ s, each as long as the curve (IEEE P1363)
 *
 * In the executable it stands in for the reader of the passkey library, which brings a library for all of ASN.1 along
 * (`build/left-out.ts`). It takes nothing but the one way in which DER writes such a pair.
 */

/** Bytes of r and of s, by the curve's number (RFC 9053 section 7.1). */
const bytesOfCurve: Readonly<Record<number, number>> = { 1: 32, 2: 48, 3: 66 };
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const LONG_LENGTH = 0x81;

interface Read {
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

function malformed(): Error {
  return new Error("the signature is no pair of numbers in DER");
}

function readTagged(bytes: Uint8Array, tag: number): Read {
  const [found, first = 0, second = 0] = bytes;
  if (found !== tag) throw malformed();
  const isLong = first === LONG_LENGTH;
  // A length below 128 is written in one byte (X.690 section 10.1); no pair needs more than two.
  if ((first > 0x7f && !isLong) || (isLong && second < 0x80)) throw malformed();
  const [start, length] = isLong ? [3, second] : [2, first];
  if (bytes.length < start + length) throw malformed();
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

/** A number that is not negative, written as short as can be, at the end of as many bytes as the curve has. */
function padded(digits: Uint8Array, bytes: number): Uint8Array {
  const [first, second = 0] = digits;
  if (first === undefined || first > 0x7f) throw malformed();
  if (first === 0 && digits.length > 1 && second < 0x80) throw malformed();
  const number = first === 0 ? digits.subarray(1) : digits;
  if (number.length > bytes) throw malformed();
  const whole = new Uint8Array(bytes);
  whole.set(number, bytes - number.length);
  return whole;
}

/** The signature as r ‖ s. Throws for anything but a pair in DER, and for a curve that has no such signatures. */
export function unwrapEC2Signature(signature: Uint8Array, curve: number): Uint8Array {
  const bytes = bytesOfCurve[curve];
  if (bytes === undefined) throw new Error("there is no such curve");
  const pair = readTagged(signature, SEQUENCE);
  const r = readTagged(pair.content, INTEGER);
  const s = readTagged(r.rest, INTEGER);
  if (pair.rest.length > 0 || s.rest.length > 0) throw malformed();
  const both = new Uint8Array(2 * bytes);
  both.set(padded(r.content, bytes));
  both.set(padded(s.content, bytes), bytes);
  return both;
}
