/** `/audit`: who did what, read page by page or as a stream of lines. */
import { t } from "elysia";
import { auditLines, exportAudit, listAudit } from "../../audit/audit-log.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { plainHeaders } from "../../http/respond.ts";
import { pageQuery } from "./page-query.ts";

const Text = t.Optional(t.String({ maxLength: 200 }));
const filter = { operation: Text, actor: Text, subject: Text, team_id: Text, outcome: Text, from: Text, to: Text };

export function addAuditDoors(app: App, gate: Gate): void {
  app.get("/api/v1/audit", async ({ caller, query }) => await listAudit(gate, caller, query), { ...door("audit.list"), query: t.Object({ ...pageQuery, ...filter }) });
  app.get(
    "/api/v1/audit/export",
    async ({ caller, query }) => {
      const lines = await auditLines((after) => exportAudit(gate, caller, { ...query, after }));
      return new Response(lines, { headers: { ...plainHeaders, "content-type": "application/jsonl; charset=utf-8", "content-disposition": 'attachment; filename="audit.jsonl"' } });
    },
    { ...door("audit.export"), query: t.Object(filter) },
  );
}
