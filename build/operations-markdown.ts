/** `docs/operations.md`, printed from the table of operations and the catalog. Pure. */
import type { CallerKind } from "../src/gate/caller.ts";
import { type LicenseNeed, type OperationName, rowOf } from "../src/gate/operations.ts";
import { findScope, scopes } from "../src/gate/scopes.ts";
import { surfaceOf, surfaces } from "../src/gate/surfaces.ts";
import { features, quotas } from "../src/license/catalog.ts";
import type { Qualified } from "../src/license/entitlements.ts";
import { mayDo, permissions, roles, type TeamAction } from "../src/teams/permissions.ts";
import { operationNames, operationsCountedBy, operationsGatedBy } from "./catalog-markdown.ts";
import { code, page, table } from "./markdown.ts";

const introduction = `# Operations

Everything that can be done, by whom, and what the license has to say about it. The page is generated (\`bun run docs\`);
change \`src/gate/operations.ts\`.

Every route, command and job enters through one of these rows, and the row is checked before anything else. A stranger is
refused with 401, the wrong kind of credential with 403. What a caller may do to a certain team or object is decided by the
operation itself.

License: **core** is allowed whatever the license says. **licensed** needs a good license (\`ok\`, \`expiring\`, or
\`unreachable\` within the grace) and answers 503 with the state's name otherwise. A **feature** needs a good license that
carries it, and answers 403 \`feature_disabled\` without it. Quotas are caps that the operation counts against; beyond one
it answers 403 \`quota_exceeded\`. Features and quotas are explained in [the catalog](catalog.md).

Each operation belongs to a **surface**, which is for certain kinds of caller: the gate lets nobody in whom the surface does
not admit. An integration key with **scopes** needs the scope of the operation, and is answered 403 \`insufficient_scope\`
without it; a key without scopes has all of them.

Every operation that changes something leaves a row in the audit log in the same commit; **ledger** marks those that are too
frequent for that and are kept in a table of their own.`;

const roleWords = `People, and the devices that stand for them, have one role in each team; a team has one owner. Everybody but the owner may
leave. Another team is answered like one that does not exist. From \`src/teams/permissions.ts\`.`;

const kinds: Readonly<Record<CallerKind, string>> = {
  anonymous: "nobody yet: no credential was sent",
  user: "a person, by access token or dashboard cookie",
  device: "a paired device (`dk-`), a person within one team",
  integration: "an integration (`sk-`), one team and no person",
  agent: "an agent (`ak-`), one team and no person",
  lease_client: "a role that proved its enrolled key to the License Server",
  operator: "whoever may open the data directory on the host, through the command line",
  system: "a job of the deployment itself",
};

function qualified({ namespace, key }: Qualified): string {
  return code(`${namespace}.${key}`);
}

function needShown(need: LicenseNeed): string {
  return typeof need === "string" ? need : qualified(need);
}

function operationRow(name: OperationName): readonly string[] {
  const { accepts, license, quotas: counted = [], audit, purpose } = rowOf(name);
  const shownQuotas = counted.length === 0 ? "–" : counted.map(qualified).join(", ");
  const scope = findScope(name);
  return [code(name), code(surfaceOf[name]), accepts.join(", "), scope === undefined ? "–" : code(scope), needShown(license), shownQuotas, `${purpose}${audit === "ledger" ? " **ledger**" : ""}`];
}

function listed(names: readonly OperationName[]): string {
  return names.length === 0 ? "–" : names.map(code).join(", ");
}

function matrix(): string {
  return table(
    ["license key", "kind", "operations"],
    [
      ...features.map((feature) => [qualified(feature), "feature", listed(operationsGatedBy(feature))]),
      ...quotas.map((quota) => [qualified(quota), "quota", listed(operationsCountedBy(quota))]),
      ["–", "licensed", listed(operationNames().filter((name) => rowOf(name).license === "licensed"))],
      ["–", "core", listed(operationNames().filter((name) => rowOf(name).license === "core"))],
    ],
  );
}

const actions = operationNames().filter((name): name is TeamAction => Object.hasOwn(permissions, name));

function roleMatrix(): string {
  return table(["operation", ...roles], actions.map((action) => [code(action), ...roles.map((role) => (mayDo(role, action) ? "yes" : "–"))]));
}

export function operationsMarkdown(): string {
  const callers = table(["caller", "who that is"], Object.entries(kinds).map(([kind, meaning]) => [code(kind), meaning]));
  const rows = table(["operation", "surface", "accepts", "scope", "license", "quotas", "what it does"], operationNames().map(operationRow));
  const surfaceRows = table(["surface", "admits"], Object.entries(surfaces).map(([surface, { admits }]) => [code(surface), admits.join(", ")]));
  const scopeRows = table(["scope", "what a key with it may do"], Object.entries(scopes).map(([scope, meaning]) => [code(scope), meaning]));
  return page(introduction, "## Callers", callers, "## Surfaces", surfaceRows, "## Scopes", scopeRows, "## Table", rows, "## What each role may do in its team", roleWords, roleMatrix(), "## What each license key opens", matrix());
}
