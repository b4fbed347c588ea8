/** The bearer credential of a request, in its one accepted form (RFC 6750 section 2.1): the header, never the address. */
import { AUTHORIZATION_BYTES_MAX } from "./limits.ts";

const FORM = /^bearer +([!-~]+) *$/i;

/** What follows `Bearer` in an Authorization header; undefined for another form, or one beyond the limit. */
export function findBearer(header: string): string | undefined {
  return header.length <= AUTHORIZATION_BYTES_MAX ? FORM.exec(header)?.[1] : undefined;
}
