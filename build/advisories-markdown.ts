/** `docs/advisories.md`, printed from the corpus of negative tests and the flaws that its drill puts back. Pure. */
import { flaws } from "../test/drill/flaws.ts";
import { type Advisory, advisories } from "../test/oidc/corpus/advisories.ts";
import { code, page, table } from "./markdown.ts";

const introduction = `# Advisories of others, as tests of ours

What went wrong in other identity servers in the years 2023 to 2026, and what shows that it does not happen here. The page is
generated (\`bun run docs\`); change \`test/oidc/corpus/advisories.ts\` and \`test/drill/flaws.ts\`.

Each row has tests of its own in \`test/oidc/corpus\` and \`test/e2e\` whose names begin with \`advisory N:\`. A test lists them by a dry
run and fails when a row has none, or when all of them together are fewer than 200. Older tests elsewhere that hold the same lesson down
are named beside it and looked up in the same way.`;

const flawsIntroduction = `## Flaws put back

A test that cannot fail proves nothing. So \`bun run drill --only mutations\` copies the checkout, puts each of these flaws back into the
copy, one at a time, and runs the tests of its advisory. It fails when none turns red, when they are red without the flaw, and when
the text that keeps the flaw out is not in its place any more.

On 2026-11-25 the 54 flaws of that day, of 39 advisories, were put back in one run, and each of them turned a test red.`;

function provenBy({ number, also = [] }: Advisory): string {
  return [code(`advisory ${number}:`), ...new Set(also.map(({ file }) => code(`test/${file}`)))].join(", ");
}

export function advisoriesMarkdown(): string {
  const rows = table(["#", "where", "what was possible there", "tests here"], advisories.map((each) => [`${each.number}`, each.source, each.flaw, provenBy(each)]));
  const put = table(["#", "flaw", "files", "tests"], flaws.map(({ advisory, name, edits, test }) => [`${advisory}`, name, [...new Set(edits.map(({ file }) => code(file)))].join(", "), code(test)]));
  return page(introduction, rows, flawsIntroduction, put);
}
