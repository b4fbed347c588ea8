/** What the product tells people to type has to exist: commands, flags and variables in messages, pages and documents. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandNames, commandOf } from "../../src/cli/commands.ts";
import { flags } from "../../src/cli/arguments.ts";
import { settingNames, settingOf } from "../../src/config/table.ts";

const root = join(import.meta.dirname, "../..");
const files = ["README.md", "CHANGELOG.md", "install.sh", "docs/**/*.md", "src/**/*.ts"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })])
  .filter((path) => !path.startsWith("src/vendor/"))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

interface Mention {
  readonly path: string;
  readonly text: string;
}

function mentions(pattern: RegExp): readonly Mention[] {
  return files.flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([found]) => ({ path, text: found })));
}

const groups = new Set(commandNames.map((name) => name.split(" ")[0]));

test("every command that is named exists", () => {
  const named = mentions(/\bcyberun (?:license|admin) [a-z][a-z-]*|\bcyberun (?:serve|trial|verify-self|version|help)\b/g);
  expect(named.length).toBeGreaterThan(20);
  const known: readonly string[] = commandNames;
  expect(named.filter(({ text }) => !known.includes(text.replace("cyberun ", "")))).toEqual([]);
  expect([...groups]).toContain("license");
});

test("every flag behind a command is one that the command takes", () => {
  const named = mentions(/\bcyberun (?:license|admin) [a-z-]+(?: (?:--[a-z-]+|[A-Z]+|[a-z.]+\.lic))+/g);
  expect(named.length).toBeGreaterThan(3);
  const wrong = named.filter(({ text }) => {
    const [, group, word, ...rest] = text.split(" ");
    const name = commandNames.find((candidate) => candidate === `${group} ${word}`);
    const taken = name === undefined ? [] : [...commandOf(name).settings, ...commandOf(name).options, "help"];
    return rest.filter((part) => part.startsWith("--")).some((part) => !flags.some(({ flag, name: own }) => flag === part && taken.includes(own)));
  });
  expect(wrong).toEqual([]);
});

test("every command in a document's code exists, with the alternatives that it names", () => {
  const known: readonly string[] = commandNames;
  const spans = mentions(/`(?:dist\/)?cyberun [a-z][^`\n]*`/g).filter(({ path }) => path.endsWith(".md"));
  const missing = spans.flatMap(({ path, text }) => {
    const words = text.replace(/^`(?:dist\/)?cyberun /, "").replaceAll("`", "").split(" ");
    const plain = words.slice(0, 3).filter((word) => /^[a-z][a-z|-]*$/.test(word)).map((word) => word.split("|"));
    const asked = plain.reduce<readonly string[]>((before, alternatives) => (before.length === 0 ? alternatives : before.flatMap((start) => alternatives.map((word) => `${start} ${word}`))), []);
    return asked.filter((name) => !known.some((command) => command === name || command.startsWith(`${name} `) || name.startsWith(`${command} `))).map((name) => `${path}: ${name}`);
  });
  expect(spans.length).toBeGreaterThan(40);
  expect(missing).toEqual([]);
});

/** Names that are spoken of because they are not ours, or only begin a name. */
const notOurs: readonly string[] = ["CYBERUN_", "CYBERUN_API_KEY", "CYBERUN_KEY", "CYBERUN_SERVICE_HOST"];
/** What an agent and its commands know. */
const ofAgents: readonly string[] = ["CYBERUN_AGENT_KEY", "CYBERUN_TASK_ID", "CYBERUN_ATTEMPT", "CYBERUN_PARAM_", "CYBERUN_PARAM_NAME", "CYBERUN_PARAMETERS_FILE", "CYBERUN_RESULT_FILE", "CYBERUN_OUTPUTS_DIR"];

test("every variable that is named exists", () => {
  const known = [...settingNames.map((name) => settingOf(name).variable), ...notOurs, ...ofAgents];
  const named = mentions(/\bCYBERUN_[A-Z0-9_]*(?![A-Z0-9_(|])/g).filter(({ path }) => path !== "install.sh");
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ text }) => !known.includes(text))).toEqual([]);
});
