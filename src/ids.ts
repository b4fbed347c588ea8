/** Ids in what callers send: UUIDs (RFC 9562), in one spelling. */
import { invalidField } from "./fault.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id in lower case, as the store has it. Throws Fault `invalid_request` naming `field` when `text` is none. */
export function requireId(field: string, text: string): string {
  if (ID.test(text)) return text.toLowerCase();
  throw invalidField(field, "is not an id (a UUID)");
}
