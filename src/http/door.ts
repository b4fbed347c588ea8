/**
 * A door: the hooks that bind a route to its operation.
 *
 * The caller is checked before the body is read and before input is validated, so that a stranger learns
 * nothing from a malformed request; the operation checks it again, because not every call comes through a route.
 */
import type { Caller } from "../gate/caller.ts";
import { requireEntry } from "../gate/operation.ts";
import type { OperationName } from "../gate/operations.ts";

const anonymous: Caller = { kind: "anonymous" };
const callers = new WeakMap<Request, Caller>();
const entered = new WeakMap<Request, OperationName>();
const refused = new WeakMap<Request, OperationName>();

/** The caller that `authenticate` found for the request. */
export function callerOf(request: Request): Caller {
  return callers.get(request) ?? anonymous;
}

export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** The operation whose door refused the request's caller; undefined when none did. */
export function operationRefused(request: Request): OperationName | undefined {
  return refused.get(request);
}

/** The operation whose door let the request in; undefined before, and at public addresses. */
export function operationEntered(request: Request): OperationName | undefined {
  return entered.get(request);
}

function guardOf(operation: OperationName, request: Request): void {
  refused.set(request, operation);
  requireEntry(operation, callerOf(request));
  refused.delete(request);
  entered.set(request, operation);
}

/** What a door's body is: one JSON document, an HTML form, or raw bytes that the route reads itself. */
type Body = "json" | "urlencoded" | "none";

/** Hooks for a route that enters `operation`. Spread them beside the route's schemas. */
export function door(operation: OperationName, body: Body = "json") {
  const guard = ({ request }: { readonly request: Request }): void => guardOf(operation, request);
  // "none" stands alone: beside a hook it would be taken for the name of a parser that does not exist.
  return { parse: body === "none" ? ["none" as const] : [guard, body], transform: [guard], detail: { operationId: operation } };
}
