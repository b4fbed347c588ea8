/** `cyberun audit …`: the audit log as lines, and whether it is whole. */
import type { Place } from "../audit/rows.ts";
import { exportAudit, listAudit, verifyAudit } from "../roles/operator/audit-calls.ts";
import { type Members, membersOf } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { EXIT_CONFLICT, EXIT_OK } from "./exit-codes.ts";
import { openOperator } from "./operator.ts";
import { listed } from "./pages.ts";
import { shownTime } from "./text-table.ts";

function filterOf({ options }: Context) {
  const given = {
    operation: options.get("operation"),
    actor: options.get("actor"),
    subject: options.get("subject"),
    team_id: options.get("team"),
    outcome: options.get("outcome"),
    from: options.get("from"),
    to: options.get("to"),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const rowWords = {
  name: "audit_list",
  headings: ["TIME", "OPERATION", "OUTCOME", "ACTOR", "SUBJECT", "FROM"],
  row: ({ created_at, operation, outcome, actor, subject, address }: Members) => [shownTime(created_at), operation, outcome, actor, subject, address],
  none: "No row of the audit log is meant.",
};

export async function auditList(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  return await listed(context, rowWords, async (page) => membersOf(await way.ask(listAudit, { ...filterOf(context), ...page })));
}

/** Prints as it reads, so that a long log needs little memory. */
export async function auditExport(context: Context): Promise<undefined> {
  await using way = await openOperator(context);
  const filter = filterOf(context);
  for (let after: Place | null | undefined; after !== null; ) {
    const part = await way.ask(exportAudit, { ...filter, ...(after === undefined ? {} : { after }) });
    if (part.lines.length > 0) context.terminal.out(`${part.lines.join("\n")}\n`);
    after = part.next;
  }
  return undefined;
}

export async function auditVerify(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const { rows, streams, anchored_ends, breach } = await way.ask(verifyAudit, null);
  const data = { is_whole: breach === null, rows, streams, anchored_ends, breach };
  if (breach === null) return { data, text: `The audit log is whole: ${rows} rows in ${streams} ${streams === 1 ? "chain" : "chains"}, borne out by the anchor.`, exit: EXIT_OK };
  return { data, text: `The audit log is NOT whole, after ${rows} good rows.\nChain ${breach.stream}, row ${breach.sequence}: ${breach.problem}`, exit: EXIT_CONFLICT };
}
