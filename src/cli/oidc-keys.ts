/** `cyberun oidc keys …`: the keys that the issuer signs tokens with. */
import { Fault } from "../fault.ts";
import { isSigningAlgorithm, type SigningAlgorithm, signingAlgorithms } from "../oidc/jwk.ts";
import { addSigningKey, listSigningKeys, revokeSigningKey, rotateSigningKeys } from "../roles/operator/calls.ts";
import type { Context, Result } from "./context.ts";
import { instantText } from "./license-text.ts";
import { openOperator } from "./operator.ts";

function when(ms: number): string {
  return instantText(ms / 1_000);
}

function findAlgorithm({ options }: Context): SigningAlgorithm | undefined {
  const alg = options.get("alg");
  if (alg === undefined || isSigningAlgorithm(alg)) return alg;
  throw new Fault("invalid_request", `--alg cannot be ${JSON.stringify(alg)}.`, { hint: `It can be ${signingAlgorithms.join(", ")}.` });
}

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly state: string;
  readonly active_from: number;
  readonly retired_at: number | null;
  readonly published_until: number | null;
  readonly revoked_at: number | null;
}

function lifeText({ state, active_from, retired_at, published_until, revoked_at }: Key): string {
  if (revoked_at !== null) return `since ${when(revoked_at)}`;
  if (state === "pending") return `signs from ${when(active_from)}`;
  const until = retired_at === null ? "" : `${state === "signing" ? ", until " : " to "}${when(retired_at)}`;
  const published = published_until === null ? "" : `, published until ${when(published_until)}`;
  return `${state === "signing" ? "since" : "signed from"} ${when(active_from)}${until}${published}`;
}

function keyLine(key: Key): string {
  return `${key.kid}  ${key.alg}  ${key.state.padEnd(7)}  ${lifeText(key)}`;
}

export async function oidcKeysList(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const keys = await way.ask(listSigningKeys, null);
  return { data: { keys }, text: keys.length === 0 ? "There is no key yet; the issuer makes the first one when it starts." : keys.map(keyLine).join("\n") };
}

interface Change {
  readonly alg: string;
  readonly kid: string;
  readonly active_from: number;
  readonly retires: string | null;
}

function changeLine({ alg, kid, active_from, retires }: Change): string {
  const before = retires === null ? "" : `; ${retires} until then`;
  return `${kid}  ${alg}  signs from ${when(active_from)}${before}`;
}

export async function oidcKeysRotate(context: Context): Promise<Result> {
  const alg = findAlgorithm(context) ?? null;
  await using way = await openOperator(context);
  const changes = await way.ask(rotateSigningKeys, { alg, is_now: context.options.has("now") });
  const text = changes.length === 0 ? "Nothing changes: the next key is published already, and signs as soon as verifiers know it." : changes.map(changeLine).join("\n");
  return { data: { changes }, text };
}

export async function oidcKeysRevoke(context: Context): Promise<Result> {
  const [kid = ""] = context.operands;
  await using way = await openOperator(context);
  const { revoked_at, successor } = await way.ask(revokeSigningKey, { kid });
  const next = successor === null ? "It was not the one that signs." : `${successor} signs in its place.`;
  return { data: { kid, revoked_at, successor }, text: `The key ${kid} is revoked since ${when(revoked_at)}. ${next}` };
}

export async function oidcKeysAdd(context: Context): Promise<Result> {
  const alg = findAlgorithm(context);
  if (alg === undefined) throw new Fault("invalid_request", "--alg is missing.", { hint: `It can be ${signingAlgorithms.join(", ")}.` });
  await using way = await openOperator(context);
  const added = await way.ask(addSigningKey, { alg });
  return { data: { added }, text: added === null ? `There is a key of ${alg} already.` : changeLine(added) };
}
