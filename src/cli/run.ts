/** `cyberun run`: a workflow, with parameters as its declaration reads them. */
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { type Members, membersOf, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { openPerson, type Person } from "./person.ts";
import { uploadFile } from "./team-files.ts";
import { waitFor } from "./tasks.ts";
import { parametersOf, readWorkflow, slugPath } from "./workflows.ts";

const PARAMETERS_BYTES_MAX = 1_000_000;

interface Given {
  readonly key: string;
  readonly text: string;
}

function givenOf(word: string): Given {
  const at = word.indexOf("=");
  if (at > 0) return { key: word.slice(0, at), text: word.slice(at + 1) };
  throw new Fault("invalid_request", `${JSON.stringify(shownText(word))} is no parameter.`, { hint: "Parameters are KEY=VALUE; cyberun workflows show SLUG lists the keys." });
}

function fromFile({ options }: Context): Members {
  const path = options.get("parametersFile");
  if (path === undefined) return {};
  const value = findJson(readNamedFile(path, PARAMETERS_BYTES_MAX).toString("utf8"));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return membersOf(value);
  throw new Fault("invalid_request", `The file ${path} is not a JSON object.`, { hint: "It has a member for each parameter." });
}

/** A word as the declared type has it. What does not fit goes as text, and the server says what is wrong with it. */
function valueOf(type: unknown, text: string): unknown {
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  const number = Number(text);
  return (type === "number" || type === "integer") && text.trim() !== "" && Number.isFinite(number) ? number : text;
}

async function parametersFrom(context: Context, person: Person, { given, declared }: { readonly given: readonly Given[]; readonly declared: readonly Members[] }): Promise<Members> {
  const values: Record<string, unknown> = { ...fromFile(context) };
  for (const { key, text } of given) {
    const type = declared.find((each) => each["key"] === key)?.["type"];
    values[key] = type === "file" && text.startsWith("@") ? (await uploadFile(context, person, text.slice(1)))["file_key"] : valueOf(type, text);
  }
  return values;
}

export async function runWorkflow(context: Context): Promise<Result> {
  const [slug, ...words] = context.operands;
  if (slug === undefined) throw new Fault("invalid_request", "SLUG is missing.", { hint: "cyberun workflows list shows the slugs." });
  const given = words.map(givenOf);
  await using person = await openPerson(context, { inTeam: true });
  const declared = given.length === 0 ? [] : parametersOf(await readWorkflow(person, slug.split("@")[0] ?? ""));
  const parameters = await parametersFrom(context, person, { given, declared });
  const key = context.options.get("once");
  const headers = key === undefined ? {} : { "idempotency-key": key };
  const submitted = await person.call({ method: "POST", path: `${slugPath(slug)}/run`, body: { parameters }, headers });
  const id = shownText(submitted["task_id"]);
  if (!context.options.has("wait")) return { data: submitted, text: `${id}\nThe task is submitted; cyberun tasks follow ${id} waits for its end.` };
  context.terminal.err(`cyberun: the task is ${id}\n`);
  return await waitFor(context, person, id);
}
