/** `bun run docs`: writes every generated page of `docs/`. Tests hold the committed pages to this output. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { advisoriesMarkdown } from "./advisories-markdown.ts";
import { agentProtocolMarkdown } from "./agent-protocol-markdown.ts";
import { catalogMarkdown } from "./catalog-markdown.ts";
import { cliMarkdown } from "./cli-markdown.ts";
import { configurationMarkdown } from "./configuration-markdown.ts";
import { operationsMarkdown } from "./operations-markdown.ts";

/** Path from the root → the page. */
export const generatedPages: Readonly<Record<string, () => string>> = {
  "docs/advisories.md": advisoriesMarkdown,
  "docs/agent-protocol.md": agentProtocolMarkdown,
  "docs/catalog.md": catalogMarkdown,
  "docs/cli.md": cliMarkdown,
  "docs/configuration.md": configurationMarkdown,
  "docs/operations.md": operationsMarkdown,
};

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  mkdirSync(join(root, "docs"), { recursive: true });
  for (const [path, page] of Object.entries(generatedPages)) writeFileSync(join(root, path), page());
}
