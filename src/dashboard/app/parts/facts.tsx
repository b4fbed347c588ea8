/** What is known of one thing, name by name. */
import { Fragment, type ReactNode } from "react";

export function Facts({ rows }: { readonly rows: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl>
      {rows.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "–"}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
