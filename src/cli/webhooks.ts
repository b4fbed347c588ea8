/** `cyberun webhooks …`: where the team is called on its events, and what came of it. */
import { Fault } from "../fault.ts";
import { itemPath, type Members, membersOf, shownText } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { findWhole, listed } from "./pages.ts";
import { openPerson, withQuery } from "./person.ts";
import { requireOption } from "./required.ts";
import { findSecretFile, type SecretFile } from "./secret-file.ts";
import { shownCell, shownTime, textMembers, textTable } from "./text-table.ts";

const path = "/api/v1/webhooks";
const needs = { inTeam: true } as const;

const webhookId = ({ operands }: Context): string => operands[0] ?? "";
const one = (context: Context): string => itemPath(path, webhookId(context));
const deliveries = (context: Context): string => `${one(context)}/deliveries`;
const delivery = (context: Context): string => itemPath(deliveries(context), context.operands[1] ?? "");

const words = {
  name: "webhook_list",
  headings: ["ID", "NAME", "ADDRESS", "STATUS", "LAST DELIVERED"],
  row: ({ id, display_name, webhook_url, webhook_status, last_delivered_at }: Members) => [id, display_name, webhook_url, webhook_status, shownTime(last_delivered_at)],
  none: "The team has no webhook.",
};

const deliveryWords = {
  name: "delivery_list",
  headings: ["ID", "EVENT", "STATUS", "ATTEMPTS", "ANSWER", "CREATED", "NEXT ATTEMPT"],
  row: ({ id, event_type, delivery_status, attempt_count, response_status, created_at, next_attempt_at }: Members) => [id, event_type, delivery_status, attempt_count, response_status, shownTime(created_at), shownTime(next_attempt_at)],
  none: "The webhook has no such delivery.",
};

export async function webhooksList(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  return await listed(context, words, (page) => person.call({ method: "GET", path: withQuery(path, { ...page }) }));
}

export async function webhooksShow(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const webhook = await person.call({ method: "GET", path: one(context) });
  return { data: webhook, text: textMembers(Object.fromEntries(Object.entries(webhook).filter(([, value]) => value !== null))) };
}

/** What the flags say about a webhook; JSON leaves out what is undefined. */
function givenMembers({ options }: Context) {
  const webhook_events = options
    .get("events")
    ?.split(",")
    .map((part) => part.trim());
  return { display_name: options.get("name"), webhook_url: options.get("url"), webhook_events, webhook_status: options.get("status") };
}

/** The answer with its secret: printed, or put into the file and not printed. */
function secretResult(answer: Members, file: SecretFile | undefined, remark: string): Result {
  const { webhook_secret, ...rest } = answer;
  if (typeof webhook_secret !== "string") throw new Fault("unavailable", "The server made a secret and did not show it.", { hint: "Check that it is a Cyberun API server." });
  if (file === undefined) return { data: answer, text: `${shownText(webhook_secret)}\n${remark}\nThe secret is shown here and never again; the receiver checks the signatures with it.` };
  file.keep(webhook_secret);
  return { data: { ...rest, secret_file: file.path }, text: `The secret is in ${file.path}, readable by this user alone, and nowhere else.\n${remark}` };
}

export async function webhooksCreate(context: Context): Promise<Result> {
  for (const name of ["name", "url", "events"] as const) requireOption(context, name);
  using file = findSecretFile(context);
  await using person = await openPerson(context, needs);
  const made = await person.call({ method: "POST", path, body: givenMembers(context) });
  return secretResult(made, file, `It is the secret of the webhook ${shownCell(made["id"])}.`);
}

export async function webhooksUpdate(context: Context): Promise<Result> {
  const given = givenMembers(context);
  if (Object.values(given).every((value) => value === undefined)) throw new Fault("invalid_request", "Nothing is to be changed.", { hint: "Give one of --name, --url, --events, --status." });
  await using person = await openPerson(context, needs);
  const updated = await person.call({ method: "PUT", path: one(context), body: given });
  return { data: updated, text: `The webhook ${shownCell(webhookId(context))} is changed.` };
}

export async function webhooksDelete(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using person = await openPerson(context, needs);
  await confirm(context, `The webhook ${shownText(webhookId(context))} is deleted with the log of its deliveries; what still waits is not sent.`);
  await person.call({ method: "DELETE", path: one(context) });
  return { data: { id: webhookId(context), is_deleted: true }, text: `The webhook ${shownCell(webhookId(context))} is deleted.` };
}

export async function webhooksRotateSecret(context: Context): Promise<Result> {
  const overlap_seconds = findWhole(context, "overlap", "--overlap") ?? 0;
  if (overlap_seconds === 0) requireConfirmable(context);
  using file = findSecretFile(context);
  await using person = await openPerson(context, needs);
  if (overlap_seconds === 0) await confirm(context, `The webhook ${shownText(webhookId(context))} gets a new secret, and the one before signs nothing more; with --overlap SECONDS both sign for a while.`);
  const rotated = await person.call({ method: "POST", path: `${one(context)}/rotate-secret`, body: { overlap_seconds } });
  const until = rotated["previous_secret_expires_at"];
  return secretResult({ id: webhookId(context), ...rotated }, file, typeof until === "string" ? `The one before signs as well until ${shownText(until)}.` : "The one before signs nothing more.");
}

function sent(context: Context, delivery_id: unknown, what: string): Result {
  return { data: { webhook_id: webhookId(context), delivery_id }, text: `${what} is on its way as ${shownCell(delivery_id)}; cyberun webhooks delivery ${shownText(webhookId(context))} ${shownText(delivery_id)} tells what came of it.` };
}

export async function webhooksTest(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const { delivery_id } = await person.call({ method: "POST", path: `${one(context)}/test` });
  return sent(context, delivery_id, "A test call");
}

export async function webhooksDeliveries(context: Context): Promise<Result> {
  const delivery_status = context.options.get("status");
  await using person = await openPerson(context, needs);
  return await listed(context, deliveryWords, (page) => person.call({ method: "GET", path: withQuery(deliveries(context), { ...page, delivery_status }) }));
}

export async function webhooksDelivery(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const shown = await person.call({ method: "GET", path: delivery(context) });
  const { attempts, ...rest } = shown;
  const rows = (Array.isArray(attempts) ? attempts.map(membersOf) : []).map(({ attempted_at, response_status, error }) => [shownTime(attempted_at), response_status, error]);
  const tried = rows.length === 0 ? "It was not tried yet." : textTable(["ATTEMPTED", "ANSWER", "ERROR"], rows);
  return { data: shown, text: `${textMembers(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)))}\n${tried}` };
}

export async function webhooksReplay(context: Context): Promise<Result> {
  await using person = await openPerson(context, needs);
  const { delivery_id } = await person.call({ method: "POST", path: `${delivery(context)}/replay` });
  return sent(context, delivery_id, "The delivery");
}
