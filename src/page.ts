/**
 * Pages of a list, as documented: `current_page` from 1, `per_page` up to 100, and `page_meta` in the answer.
 */
import { invalidField } from "./fault.ts";

const PER_PAGE_MAX = 100;
const PER_PAGE_DEFAULT = 20;
/** Beyond it an offset means nothing to anybody, and a larger one would not be a safe integer for the engines. */
const CURRENT_PAGE_MAX = 1_000_000;

export interface PageRequest {
  readonly current_page?: number | undefined;
  readonly per_page?: number | undefined;
}

export interface PageMeta {
  readonly current_page: number;
  readonly per_page: number;
  readonly total_count: number;
}

export interface Page {
  readonly limit: number;
  readonly offset: number;
  /** What the answer says about itself. */
  meta(totalCount: number): PageMeta;
  /** The same, for a page with so many rows: one that is not full tells the total itself, and nothing is counted. */
  metaAfter(rowCount: number, countAll: () => Promise<number>): Promise<PageMeta>;
}

/** The page that is asked for. Throws Fault `invalid_request` outside its bounds. */
export function pageOf({ current_page = 1, per_page = PER_PAGE_DEFAULT }: PageRequest): Page {
  if (!Number.isInteger(current_page) || current_page < 1 || current_page > CURRENT_PAGE_MAX) {
    throw invalidField("current_page", `is a whole number from 1 to ${CURRENT_PAGE_MAX}`);
  }
  if (!Number.isInteger(per_page) || per_page < 1 || per_page > PER_PAGE_MAX) {
    throw invalidField("per_page", `is a whole number from 1 to ${PER_PAGE_MAX}`);
  }
  const offset = (current_page - 1) * per_page;
  const meta = (totalCount: number) => ({ current_page, per_page, total_count: totalCount });
  return {
    limit: per_page,
    offset,
    meta,
    async metaAfter(rowCount, countAll) {
      // An empty page that is not the first may lie anywhere beyond the end.
      const isLast = rowCount < per_page && (rowCount > 0 || offset === 0);
      return meta(isLast ? offset + rowCount : await countAll());
    },
  };
}

/** An instant as answers tell it: ISO 8601 in UTC. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
