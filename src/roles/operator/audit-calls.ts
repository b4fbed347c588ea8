/** What the operator on the host may ask for about the audit. */
import { Type } from "typebox";
import { exportAudit as exportAuditOperation } from "../../audit/audit-log.ts";
import { verifyAudit as verifyAuditOperation } from "../../audit/verify.ts";
import { operator } from "../../gate/caller.ts";
import { call, type OperatorCall } from "./call.ts";

const closed = { additionalProperties: false };
const Text = Type.String({ maxLength: 1_024 });
const Filter = Type.Optional(Text);
const Place = Type.Object({ stream: Text, sequence: Type.Integer() }, closed);
const Breach = Type.Object({ stream: Text, sequence: Type.Integer(), problem: Text });

export const exportAudit = call(
  "audit.export",
  {
    input: Type.Object({ operation: Filter, actor: Filter, subject: Filter, team_id: Filter, outcome: Filter, from: Filter, to: Filter, after: Type.Optional(Place) }, closed),
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

export const auditCalls: readonly Pick<OperatorCall<never, unknown>, "operation" | "handle">[] = [exportAudit, verifyAudit];
