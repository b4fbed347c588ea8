/** `templates`: what each template grants, printed from the catalog. */
import { features, quotas, type TemplateName, templateNames } from "../license/catalog.ts";
import { termsOf } from "../license/templates.ts";
import type { Answer, Command } from "./command.ts";

function shownQuota(value: number): string {
  return value === -1 ? "unlimited" : String(value);
}

function row(name: string, values: readonly string[], says: string): string {
  return `${name.padEnd(32)} ${values.map((value) => value.padEnd(11)).join("")}${says}`.trimEnd();
}

/** One column a template; `ours` marks the keys that the platform's documentation does not name. Pure. */
export function shownTemplates(names: readonly TemplateName[]): string {
  const featureRows = features.map(({ namespace, key, origin, templates }) =>
    row(`${namespace}.${key}`, names.map((name) => (templates[name] ? "on" : "off")), origin === "ours" ? "ours" : ""),
  );
  const quotaRows = quotas.map(({ namespace, key, origin, templates }) =>
    row(`${namespace}.${key}`, names.map((name) => shownQuota(templates[name])), origin === "ours" ? "ours" : ""),
  );
  const terms = names.map(termsOf);
  return [
    row("features", names, ""),
    ...featureRows,
    "",
    row("quotas", names, ""),
    ...quotaRows,
    "",
    row("terms", names, ""),
    row("lease_seconds", terms.map((term) => String(term.lease_seconds)), ""),
    row("grace_seconds", terms.map((term) => String(term.grace_seconds)), ""),
    row("clock_tolerance_seconds", terms.map((term) => String(term.clock_tolerance_seconds)), ""),
    row("activation.days", terms.map((term) => String(term.activation?.days ?? "-")), ""),
  ].join("\n");
}

export const showTemplates: Command = {
  name: "templates",
  summary: "Show what the templates grant.",
  operands: ["[NAME]"],
  options: {},
  run(_desk, given): Answer {
    const [wanted] = given.operands;
    const names = wanted === undefined ? templateNames : templateNames.filter((name) => name === wanted);
    if (names.length === 0) given.mistakes.add(`There is no template "${wanted}"; there are: ${templateNames.join(", ")}.`);
    given.mistakes.refuse();
    return { json: { templates: Object.fromEntries(names.map((name) => [name, termsOf(name)])) }, text: shownTemplates(names) };
  },
};
