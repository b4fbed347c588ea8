/**
 * The id of each request: in the answer's header, in every line of the log about it, and at the other end whoever sent it.
 *
 * Rule: an id that a caller sends counts when it is well formed, so that a proxy's log and ours can be laid side by side; it is
 * written and never looked anything up by.
 */
import type { Random } from "../services.ts";

export const REQUEST_ID = "x-request-id";

const FORM = /^[A-Za-z0-9][A-Za-z0-9._:-]{7,127}$/;
const ids = new WeakMap<Request, string>();

/** The id of the request; the same whenever it is asked for. */
export function requestIdOf(request: Request, random: Random): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const sent = request.headers.get(REQUEST_ID);
  const id = sent !== null && FORM.test(sent) ? sent : random.uuid();
  ids.set(request, id);
  return id;
}
