/** `cyberun federation keys …`: one issuer identity at several sites. */
import { Fault } from "../fault.ts";
import { exportFederationKeys, importFederationKeys, leadFederationKeys, readFederationKeys } from "../roles/operator/federation-calls.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { shownFingerprint, writeNamed } from "./federation.ts";
import { readNamedFile } from "./files.ts";
import { openOperator } from "./operator.ts";

const FILE_BYTES_MAX = 65_536;

function given({ options }: Context): { readonly fingerprint?: string } {
  const fingerprint = options.get("fingerprint");
  return fingerprint === undefined ? {} : { fingerprint };
}

/** The fingerprint that a refusal asks about, where it asks about one. */
function askedAbout(error: unknown): string | undefined {
  if (!(error instanceof Fault) || error.details?.["reason"] !== "fingerprint_needed") return undefined;
  const fingerprint = error.details["fingerprint"];
  return typeof fingerprint === "string" ? fingerprint : undefined;
}

/** Asks on a terminal about a fingerprint that is not known yet, and tries again; nothing was done before. */
async function orConfirmed<T>(context: Context, attempt: (fingerprint: { readonly fingerprint?: string }) => Promise<T>): Promise<T> {
  try {
    return await attempt(given(context));
  } catch (error) {
    const fingerprint = askedAbout(error);
    if (fingerprint === undefined || !context.terminal.isInteractive) throw error;
    await confirm(context, `The other site is ${shownFingerprint(fingerprint)}. Did its operator read out exactly this?`);
    return await attempt({ fingerprint });
  }
}

export async function federationKeysExport(context: Context): Promise<Result> {
  const to = context.options.get("to");
  if (to === undefined) throw new Fault("invalid_request", "--to is missing.", { hint: "Name the file that cyberun federation site-key --out wrote at the receiving site." });
  const site_key = readNamedFile(to, FILE_BYTES_MAX).toString("latin1").trim();
  await using way = await openOperator(context);
  const made = await orConfirmed(context, async (fingerprint) => await way.ask(exportFederationKeys, { site_key, ...fingerprint }));
  const out = writeNamed(context, made.keys);
  const text = out === undefined ? made.keys : `The signing keys, number ${made.sequence}, lie in ${out}, sealed to ${shownFingerprint(made.to)}.`;
  return { data: { ...made, out: out ?? null }, text };
}

export async function federationKeysImport(context: Context): Promise<Result> {
  const [path = ""] = context.operands;
  const keys = readNamedFile(path, FILE_BYTES_MAX).toString("latin1").trim();
  await using way = await openOperator(context);
  const taken = await orConfirmed(context, async (fingerprint) => await way.ask(importFederationKeys, { keys, ...fingerprint }));
  return { data: taken, text: `Took ${taken.key_ids.length} keys, number ${taken.sequence}; this site follows ${shownFingerprint(taken.leader)}.` };
}

export async function federationKeysStatus(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const standing = await way.ask(readFederationKeys, null);
  const until = standing.known_until === null ? "" : `, told of changes until ${standing.known_until}`;
  return { data: standing, text: `${standing.standing}: ${standing.state}, number ${standing.sequence}${until}` };
}

export async function federationKeysLead(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using way = await openOperator(context);
  await confirm(context, "Have this site make the signing keys from now on?");
  await way.ask(leadFederationKeys, null);
  return { data: { is_leader: true }, text: "This site leads. Export its keys to the others." };
}
