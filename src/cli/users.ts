/** `cyberun users …`: the accounts of the deployment, in the hands of its operator. */
import { Fault } from "../fault.ts";
import { findEmailAddress } from "../identity/email-address.ts";
import { createUser, deleteUser, disableUser, enableUser, listUsers, readUser, updateUser } from "../roles/operator/deployment-calls.ts";
import { type Members, membersOf } from "./api-client.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { type Operator, openOperator, requireServer } from "./operator.ts";
import { requireOption } from "./required.ts";
import { listed } from "./pages.ts";
import { shownCell, shownTime, textMembers } from "./text-table.ts";

const PER_PAGE = 100;
/** Far more accounts than have one address within theirs. */
const PAGES_MAX = 100;

export async function usersList(context: Context): Promise<Result> {
  const search = context.options.get("search");
  await using way = await openOperator(context);
  const words = {
    name: "user_list",
    headings: ["ID", "ADDRESS", "NAME", "STATUS", "ADMINISTRATOR", "CREATED"],
    row: ({ id, email_address, display_name, user_status, is_administrator, created_at }: Members) => [id, email_address, display_name, user_status, is_administrator, shownTime(created_at)],
    none: "There is no such account.",
  };
  return await listed(context, words, async (page) => membersOf(await way.ask(listUsers, { ...page, ...(search === undefined ? {} : { search }) })));
}

/** The id of the account that was named by id or by address. Throws Fault `not_found`. */
async function userIdOf(way: Operator, named: string): Promise<string> {
  const key = findEmailAddress(named)?.key;
  if (key === undefined) return named;
  for (let current_page = 1; current_page <= PAGES_MAX; current_page += 1) {
    const { user_list } = await way.ask(listUsers, { search: key, current_page, per_page: PER_PAGE });
    const found = user_list.find(({ email_address }) => findEmailAddress(email_address)?.key === key);
    if (found !== undefined) return found.id;
    if (user_list.length < PER_PAGE) break;
  }
  throw new Fault("not_found", `There is no account with the address ${shownCell(named)}.`, { hint: "cyberun users list shows the accounts." });
}

const user = ({ operands }: Context): string => operands[0] ?? "";

export async function usersShow(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const found = await way.ask(readUser, { user_id: await userIdOf(way, user(context)) });
  return { data: found, text: textMembers(found) };
}

/** `--administrator`; undefined when it is not given. */
function findAdministrator({ options }: Context): boolean | undefined {
  const text = options.get("administrator");
  if (text === undefined) return undefined;
  if (text === "yes" || text === "no") return text === "yes";
  throw new Fault("invalid_request", "--administrator is yes or no.");
}

export async function usersCreate(context: Context): Promise<Result> {
  const is_administrator = findAdministrator(context);
  const input = {
    email_address: requireOption(context, "email"),
    first_name: requireOption(context, "firstName"),
    last_name: requireOption(context, "lastName"),
    ...(is_administrator === undefined ? {} : { is_administrator }),
  };
  await using way = await openOperator(context);
  requireServer(way, "This makes an account");
  const created = await way.ask(createUser, input);
  return { data: created, text: `${created.reset_url}\nBy it ${shownCell(input.email_address)} chooses a password, once, until ${created.expires_at}. The account is ${created.id}.` };
}

export async function usersUpdate(context: Context): Promise<Result> {
  const { options } = context;
  const is_administrator = findAdministrator(context);
  const names = { first_name: options.get("firstName"), last_name: options.get("lastName"), display_name: options.get("displayName") };
  const changes = Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length === 0 && is_administrator === undefined) {
    throw new Fault("invalid_request", "There is nothing to change.", { hint: "Name it: --first-name, --last-name, --display-name or --administrator." });
  }
  await using way = await openOperator(context);
  const updated = await way.ask(updateUser, { user_id: await userIdOf(way, user(context)), ...changes, ...(is_administrator === undefined ? {} : { is_administrator }) });
  return { data: updated, text: `The account ${updated.id} is changed.` };
}

export async function usersDisable(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const id = await userIdOf(way, user(context));
  await way.ask(disableUser, { user_id: id });
  return { data: { is_success: true }, text: `The account ${id} is disabled, and its sessions have ended.` };
}

export async function usersEnable(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const id = await userIdOf(way, user(context));
  await way.ask(enableUser, { user_id: id });
  return { data: { is_success: true }, text: `The account ${id} may sign in again.` };
}

export async function usersDelete(context: Context): Promise<Result> {
  requireConfirmable(context);
  await using way = await openOperator(context);
  const { id, email_address } = await way.ask(readUser, { user_id: await userIdOf(way, user(context)) });
  await confirm(context, `The account ${email_address} (${id}) is deleted for good, with everything that stands for its person.`);
  await way.ask(deleteUser, { user_id: id });
  return { data: { id, is_deleted: true }, text: `The account ${shownCell(email_address)} is gone.` };
}
