/**
 * `docs/catalog.md`, printed from the catalog and the table of operations. Run as `bun build/catalog-markdown.ts`;
 * a test holds the committed page to this output.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type OperationName, operations, rowOf } from "../src/gate/operations.ts";
import type { Qualified } from "../src/license/entitlements.ts";
import { features, type Origin, quotas, type TemplateName, templateNames } from "../src/license/catalog.ts";
import { termsOf } from "../src/license/templates.ts";
import { trialQuotasMax } from "../src/license/trial.ts";

const introduction = `# Features and quotas

Every key that this build knows. The page is generated (\`bun build/catalog-markdown.ts\`); change \`src/license/catalog.ts\`.

A key counts only together with its namespace: \`global\` is the whole deployment, \`account\` one user, \`team\` one team.
A feature that a license does not list is off. A quota that it does not list is 0. Quotas: \`-1\` is unlimited, \`0\` is
disabled, above it is a hard cap. A call that needs a feature which is off answers 403 \`feature_disabled\`; one that would
pass a cap answers 403 \`quota_exceeded\`.

Keys marked **ours** are not in the platform's published documentation: it describes the capability and names no key, so
we chose one. The others are spelled as documented.

The column *operations* names what asks for the key in this build (see [operations](operations.md)); a dash says that
nothing does yet.

Templates are what \`cyberun-vendor sign --template NAME\` starts from; a contract may say otherwise.`;

/** Every operation, in the order of its table. */
export function operationNames(): readonly OperationName[] {
  return Object.keys(operations).filter((name): name is OperationName => Object.hasOwn(operations, name));
}

function isSame(left: Qualified, right: Qualified): boolean {
  return left.namespace === right.namespace && left.key === right.key;
}

/** The operations that need the feature. */
export function operationsGatedBy(feature: Qualified): readonly OperationName[] {
  return operationNames().filter((name) => {
    const { license } = rowOf(name);
    return typeof license === "object" && isSame(license, feature);
  });
}

/** The operations that count against the quota. */
export function operationsCountedBy(quota: Qualified): readonly OperationName[] {
  return operationNames().filter((name) => (rowOf(name).quotas ?? []).some((counted) => isSame(counted, quota)));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function shownNames(names: readonly string[]): string {
  return names.length === 0 ? "–" : names.map(code).join(", ");
}

function shownKey({ namespace, key, origin }: Qualified & { readonly origin: Origin }): string {
  return `${code(`${namespace}.${key}`)}${origin === "ours" ? " **ours**" : ""}`;
}

function shownQuota(value: number): string {
  return value === -1 ? "unlimited" : String(value);
}

function featureTable(): string {
  return table(
    ["key", "what it allows", "what one sees when it is off", "operations", ...templateNames],
    features.map((entry) => [
      shownKey(entry),
      entry.meaning,
      entry.whenOff,
      shownNames(operationsGatedBy(entry)),
      ...templateNames.map((name) => (entry.templates[name] ? "on" : "off")),
    ]),
  );
}

/** The most a trial key may sign for the quota. */
function trialBound({ namespace, key }: Qualified): number {
  return new Map<string, number>(Object.entries(trialQuotasMax[namespace])).get(key) ?? 0;
}

function quotaTable(): string {
  return table(
    ["key", "what it caps", "unit", "operations", ...templateNames, "a trial key may sign"],
    quotas.map((entry) => [
      shownKey(entry),
      entry.meaning,
      entry.unit,
      shownNames(operationsCountedBy(entry)),
      ...templateNames.map((name) => shownQuota(entry.templates[name])),
      `up to ${trialBound(entry)}`,
    ]),
  );
}

function termsTable(): string {
  const row = (name: string, value: (template: TemplateName) => string) => [code(name), ...templateNames.map(value)];
  return table(
    ["term", ...templateNames],
    [
      row("lease_seconds", (name) => String(termsOf(name).lease_seconds)),
      row("grace_seconds", (name) => String(termsOf(name).grace_seconds)),
      row("clock_tolerance_seconds", (name) => String(termsOf(name).clock_tolerance_seconds)),
      row("activation.days", (name) => String(termsOf(name).activation?.days ?? "–")),
    ],
  );
}

/** The whole page. Pure. */
export function catalogMarkdown(): string {
  return `${[introduction, "## Features", featureTable(), "## Quotas", quotaTable(), "## Other terms", termsTable()].join("\n\n")}\n`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, "../docs/catalog.md"), catalogMarkdown());
