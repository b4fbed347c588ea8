/** Lists that come in pages: one of them, as it was answered, or with `--all` every one as one. */
import { Fault } from "../fault.ts";
import { type Members, membersOf } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import type { OptionName } from "./options.ts";
import { textTable } from "./text-table.ts";

const PER_PAGE_MAX = 100;
/** With the largest page 100,000 things: more is no list for anybody. */
const PAGES_MAX = 1_000;

/** The option as a whole number; undefined when it is not given. Throws Fault `invalid_request`. */
export function findWhole({ options }: Pick<Context, "options">, name: OptionName, flag: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new Fault("invalid_request", `${flag} is not a whole number.`);
}

/** As the flags have it, for whoever reads a page. */
export interface AskedPage {
  readonly current_page?: number;
  readonly per_page?: number;
}

type Read = (page: AskedPage) => Promise<Members>;

function itemsOf(answer: Members, name: string): readonly Members[] {
  const list: unknown = answer[name];
  return Array.isArray(list) ? list.map(membersOf) : [];
}

async function readAll(read: Read, name: string, per_page: number): Promise<Members> {
  const items: Members[] = [];
  for (let current_page = 1; current_page <= PAGES_MAX; current_page += 1) {
    const answer = await read({ current_page, per_page });
    const found = itemsOf(answer, name);
    items.push(...found);
    if (found.length < per_page) return { ...answer, [name]: items, page_meta: { ...membersOf(answer["page_meta"]), current_page: 1 } };
  }
  throw new Fault("too_large", `The list has more than ${PAGES_MAX * per_page} entries.`, { hint: "Read it page by page: --page NUMBER." });
}

/** The answer that the flags ask for. */
async function readPages(context: Context, name: string, read: Read): Promise<Members> {
  const current_page = findWhole(context, "page", "--page");
  const per_page = findWhole(context, "perPage", "--per-page");
  if (!context.options.has("all")) return await read({ ...(current_page === undefined ? {} : { current_page }), ...(per_page === undefined ? {} : { per_page }) });
  if (current_page !== undefined) throw new Fault("invalid_request", "--page and --all exclude each other.");
  if (per_page === 0) throw new Fault("invalid_request", "--per-page is a whole number from 1 to 100.");
  return await readAll(read, name, per_page ?? PER_PAGE_MAX);
}

export interface ListWords {
  /** The member of the answer that holds the list. */
  readonly name: string;
  readonly headings: readonly string[];
  readonly row: (item: Members) => readonly unknown[];
  /** Said when there is nothing. */
  readonly none: string;
}

/** What is not on this page, if anything. */
function restOf({ page_meta }: Members, shown: number): readonly string[] {
  const { current_page: page, total_count: total } = membersOf(page_meta);
  if (typeof page !== "number" || typeof total !== "number" || shown >= total) return [];
  return [`Page ${page} shows ${shown} of ${total}; --page NUMBER and --all show others.`];
}

/** A list as the flags ask for it, for programs and for people. */
export async function listed(context: Context, { name, headings, row, none }: ListWords, read: Read): Promise<Result> {
  const answer = await readPages(context, name, read);
  const items = itemsOf(answer, name);
  const lines = items.length === 0 ? [none] : [textTable(headings, items.map(row))];
  return { data: answer, text: [...lines, ...restOf(answer, items.length)].join("\n") };
}
