/** A list in pages, as the API gives it: a table where there is room, and cards on a phone. */
import { type FormEvent, type ReactNode, useState } from "react";
import { say } from "../words.ts";
import { Failure, Loading } from "./pieces.tsx";

const PER_PAGE = 20;

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
}

export interface PageOf<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

interface Asked<Row> {
  readonly data: PageOf<Row> | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

export interface ListProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  readonly empty: ReactNode;
  /** Asks for a page; a hook. */
  readonly usePage: (query: { readonly current_page: number; readonly per_page: number }) => Asked<Row>;
}

/** From so many pages on one goes to any of them by its number. */
const PAGES_TO_CHOOSE = 5;

interface PagesProps {
  readonly page: number;
  readonly last: number;
  readonly setPage: (page: number) => void;
}

function Pages({ page, last, setPage }: PagesProps) {
  const choose = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const wanted = Number(new FormData(event.currentTarget).get("page"));
    if (Number.isInteger(wanted)) setPage(Math.min(last, Math.max(1, wanted)));
  };
  return (
    <nav className="pages" aria-label={say("page")}>
      <button type="button" className="quiet" disabled={page <= 1} onClick={() => setPage(page - 1)}>
        {say("earlier")}
      </button>
      <span>
        {say("page")} {page} {say("of")} {last}
      </span>
      <button type="button" className="quiet" disabled={page >= last} onClick={() => setPage(page + 1)}>
        {say("later")}
      </button>
      {last < PAGES_TO_CHOOSE ? null : (
        <form key={page} onSubmit={choose}>
          <input name="page" type="number" min={1} max={last} defaultValue={page} aria-label={say("goToPage")} />
        </form>
      )}
    </nav>
  );
}

export function List<Row>({ label, columns, idOf, empty, usePage }: ListProps<Row>) {
  const [page, setPage] = useState(1);
  const { data, error, refetch } = usePage({ current_page: page, per_page: PER_PAGE });
  if (data === undefined) return error === null ? <Loading /> : <Failure error={error} again={() => void refetch()} />;
  if (data.total === 0) return <>{empty}</>;
  const last = Math.max(1, Math.ceil(data.total / PER_PAGE));
  return (
    <>
      {error === null ? null : <Failure error={error} again={() => void refetch()} />}
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ head }) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => (
            <tr key={idOf(row)}>
              {columns.map(({ head, cell }) => (
                <td key={head} data-head={head}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {last === 1 ? null : <Pages page={page} last={last} setPage={setPage} />}
    </>
  );
}
