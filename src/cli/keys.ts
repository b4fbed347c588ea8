/** `cyberun keys …`: the keys of a team, in the hands of a person who signs in for it. */
import { Fault } from "../fault.ts";
import { itemPath, type Members, shownText } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { findWhole, listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { requireOption } from "./required.ts";
import { findSecretFile, type SecretFile } from "./secret-file.ts";
import { shownCell, shownTime } from "./text-table.ts";

const path = "/api/v1/credentials";
const needs = { inTeam: true, signedIn: true } as const;

const words = {
  name: "credentials",
  headings: ["ID", "KIND", "NAME", "PREFIX", "STATUS", "LAST USED", "ENDS"],
  row: ({ id, kind, display_name, key_prefix, key_status, last_used_at, expires_at }: Members) => [id, kind, display_name, key_prefix, key_status, shownTime(last_used_at), shownTime(expires_at)],
  none: "The team has no such key.",
};

export async function keysList(context: Context): Promise<Result> {
  const kind = context.options.get("kind");
  await using person = await openPerson(context, needs);
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page, kind }) }));
}

function listOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(",").map((part) => part.trim());
}

/** The answer with its key: printed, or put into the file and not printed. */
function keyResult(answer: Members, file: SecretFile | undefined, remark: string): Result {
  const { raw_key, ...rest } = answer;
  if (typeof raw_key !== "string") throw new Fault("unavailable", "The server made a key and did not show it.", { hint: "Check that it is a Cyberun API server." });
  const about = `It is the ${shownCell(rest["kind"])} key ${shownCell(rest["id"])}, known as ${shownCell(rest["key_prefix"])}. ${remark}`;
  if (file === undefined) return { data: answer, text: `${shownText(raw_key)}\n${about}\nThe key is shown here and never again.` };
  file.keep(raw_key);
  return { data: { ...rest, key_file: file.path }, text: `The key is in ${file.path}, readable by this user alone, and nowhere else.\n${about}` };
}

export async function keysCreate(context: Context): Promise<Result> {
  const { options } = context;
  const kind = requireOption(context, "kind");
  const display_name = requireOption(context, "name");
  const expires_in_days = findWhole(context, "expiresInDays", "--expires-in-days");
  const [scopes, allowed_cidrs] = [listOf(options.get("scopes")), listOf(options.get("allowedCidrs"))];
  using file = findSecretFile(context);
  await using person = await openPerson(context, needs);
  // JSON leaves out what is undefined.
  const created = await person.call({ method: "POST", path, body: { kind, display_name, expires_in_days, scopes, allowed_cidrs } });
  return keyResult(created, file, expires_in_days === undefined ? "It does not end by itself." : `It ends in ${expires_in_days} days.`);
}

const keyId = ({ operands }: Context): string => operands[0] ?? "";

export async function keysRotate(context: Context): Promise<Result> {
  const overlap_seconds = findWhole(context, "overlap", "--overlap");
  const isAtOnce = (overlap_seconds ?? 0) === 0;
  if (isAtOnce) requireConfirmable(context);
  using file = findSecretFile(context);
  await using person = await openPerson(context, needs);
  if (isAtOnce) await confirm(context, `The key ${keyId(context)} gets a new secret, and the one before ends at once; --overlap SECONDS would leave it good for a while.`);
  const rotated = await person.call({ method: "POST", path: `${itemPath(path, keyId(context))}/rotate`, body: { overlap_seconds } });
  const until = rotated["previous_key_expires_at"];
  return keyResult(rotated, file, typeof until === "string" ? `The one before is good until ${shownText(until)}.` : "The one before has ended.");
}

export async function keysRevoke(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using person = await openPerson(context, needs);
  await confirm(context, `The key ${keyId(context)} is revoked for good.`);
  await person.call({ method: "DELETE", path: itemPath(path, keyId(context)) });
  return { data: { id: keyId(context), is_revoked: true }, text: `The key ${shownCell(keyId(context))} is revoked; whatever it had opened is closed.` };
}
