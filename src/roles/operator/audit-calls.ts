/** What the operator on the host may ask for about the audit. */
import { Type } from "typebox";
import { exportAudit as exportAuditOperation, listAudit as listAuditOperation } from "../../audit/audit-log.ts";
import { verifyAudit as verifyAuditOperation } from "../../audit/verify.ts";
import { operator } from "../../gate/caller.ts";
import { call, type OperatorCall } from "./call.ts";
import { page, PageMeta } from "./page-shapes.ts";

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 1_024 });
const Filter = Type.Optional(Text);
const Place = Type.Object({ stream: Text, sequence: Type.Integer() }, closed);
const Breach = Type.Object({ stream: Text, sequence: Type.Integer(), problem: Text });

const filter = { operation: Filter, actor: Filter, subject: Filter, team_id: Filter, outcome: Filter, from: Filter, to: Filter };
const MaybeText = Type.Union([Type.String(), Type.Null()]);
const Row = Type.Object({
  id: Text,
  created_at: Text,
  operation: Text,
  outcome: Text,
  actor: Text,
  team_id: MaybeText,
  subject: MaybeText,
  address: MaybeText,
  details: Type.Record(Type.String(), Type.Unknown()),
});

export const listAudit = call(
  "audit.list",
  { input: Type.Object({ ...page, ...filter }, closed), output: Type.Object({ audit_list: Type.Array(Row), page_meta: PageMeta }) },
  async ({ gate }, input) => {
    const { audit_list, page_meta } = await listAuditOperation(gate, operator, input);
    return { audit_list: audit_list.map((row) => ({ ...row, details: { ...row.details } })), page_meta };
  },
);

export const exportAudit = call(
  "audit.export",
  {
    input: Type.Object({ ...filter, after: Type.Optional(Place) }, closed),
    output: Type.Object({ lines: Type.Array(Type.String()), next: Type.Union([Place, Type.Null()]) }),
  },
  async ({ gate }, input) => {
    const { lines, next } = await exportAuditOperation(gate, operator, input);
    return { lines: [...lines], next };
  },
);

export const verifyAudit = call(
  "audit.verify",
  { input: Type.Null(), output: Type.Object({ rows: Type.Integer(), streams: Type.Integer(), anchored_ends: Type.Integer(), breach: Type.Union([Breach, Type.Null()]) }) },
  // The anchors first: whatever they have seen is in the store by then.
  async ({ gate, auditAnchors }) => await verifyAuditOperation(gate, operator, { anchors: auditAnchors() }),
);

export const auditCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [listAudit, exportAudit, verifyAudit];
