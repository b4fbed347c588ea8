/**
 * DER: the few encodings of X.690 that a certificate is written with.
 *
 * Rule: writes only. What others wrote is read by the runtime, never by this file.
 */

const CONTEXT = 0xa0;

function lengthOf(bytes: number): readonly number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

function tagged(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.from([tag, ...lengthOf(content.length)]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tagged(0x30, Buffer.concat(parts));
export const set = (...parts: readonly Uint8Array[]): Buffer => tagged(0x31, Buffer.concat(parts));
export const octets = (content: Uint8Array): Buffer => tagged(0x04, content);
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text, "utf8"));
export const isTrue: Buffer = tagged(0x01, Uint8Array.of(0xff));

/** Bits of which `unused` at the end do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Buffer.concat([Uint8Array.of(unused), content]));

/** A number that is not negative, whatever its first bit; without idle zeros in front (X.690 section 8.3.2). */
export function integer(content: Uint8Array): Buffer {
  const first = content.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : content.subarray(first);
  return tagged(0x02, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Uint8Array.of(0), digits]));
}

/** `[number]`, around something that keeps its own tag. */
export const explicit = (number: number, content: Uint8Array): Buffer => tagged(CONTEXT | number, content);
/** `[number]`, in place of the tag of plain bytes. */
export const implicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content);

/** An object identifier such as `2.5.4.3`. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left & 0x7f));
    return digits;
  });
  return tagged(0x06, Uint8Array.from(bytes));
}

/** An instant to the second: two digits of the year until 2049, four from then on (RFC 5280 section 4.1.2.5). */
export function instant(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
  return Number(digits.slice(0, 4)) < 2050 ? tagged(0x17, Buffer.from(digits.slice(2), "latin1")) : tagged(0x18, Buffer.from(digits, "latin1"));
}
