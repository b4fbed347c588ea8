/** Workflows of the team, and one with the form that runs it, made from the parameters that it declares. */
import { useState } from "react";
import { go } from "../address.ts";
import { pageIn, useAnswer, useDeed } from "../deployment.ts";
import { Field, type FieldProps, Form, textIn } from "../parts/field.tsx";
import { List } from "../parts/list.tsx";
import { Absent, Badge, Empty, Heading, Link, Notice } from "../parts/pieces.tsx";
import { say, when } from "../words.ts";
import { WorkflowHistory } from "./workflow-history.tsx";

const membersOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The workflow in the file; what of it is wrong the API says. */
function definitionIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return membersOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function ImportForm() {
  const create = useDeed("workflow.import");
  const [isNoJson, setNoJson] = useState(false);
  const send = (fields: FormData) => {
    const file = fields.get("workflow_file");
    if (!(file instanceof File)) return;
    void file.text().then((text) => {
      const body = definitionIn(text);
      setNoJson(body === undefined);
      if (body !== undefined) create.mutateAsync({ body }).then(({ id }) => go(`/workflows/${id}`), () => {});
    });
  };
  return (
    <details>
      <summary>{say("importWorkflow")}</summary>
      <Form label={say("importWorkflow")} submit={say("importIt")} isBusy={create.isPending} error={create.error} send={send}>
        {isNoJson ? <Notice tone="bad">{say("noJson")}</Notice> : null}
        <div className="field">
          <label htmlFor="workflow-file">{say("file")}</label>
          <input id="workflow-file" name="workflow_file" type="file" required accept=".json,application/json" aria-describedby="workflow-note" />
          <p className="note" id="workflow-note">
            {say("importNote")}
          </p>
        </div>
      </Form>
    </details>
  );
}

export function Workflows() {
  return (
    <>
      <Heading>{say("workflows")}</Heading>
      <ImportForm />
      <List
        usePage={(query) => pageIn(useAnswer("workflow.list_runtime", { query }), ({ workflow_list }) => workflow_list)}
        label={say("workflows")}
        columns={[
          { head: say("name"), cell: ({ id, display_name }) => <Link to={`/workflows/${id}`}>{display_name}</Link> },
          { head: "Slug", cell: ({ workflow_slug }) => <code>{workflow_slug}</code> },
          { head: say("kind"), cell: ({ tool_type }) => tool_type },
          { head: say("status"), cell: ({ workflow_status }) => <Badge state={workflow_status} /> },
          { head: say("version"), cell: ({ version }) => version },
          { head: say("changed"), cell: ({ updated_at }) => when(updated_at) },
        ]}
        idOf={({ id }) => id}
        empty={<Empty command="cyberun workflows import FILE">{say("noWorkflows")}</Empty>}
      />
    </>
  );
}

interface Parameter {
  readonly key: string;
  readonly type: string;
  readonly label: string;
  readonly isRequired: boolean;
  readonly fallback: unknown;
  readonly options: readonly string[];
  readonly note: string | undefined;
}

/** As a workflow declares them. */
function parametersOf(workflow: unknown): readonly Parameter[] {
  return listOf(membersOf(workflow)["parameters"]).map((each) => {
    const { key, type, label, required, default: fallback, options, description } = membersOf(each);
    return {
      key: String(key),
      type: String(type),
      label: typeof label === "string" && label !== "" ? label : String(key),
      isRequired: required === true && fallback === undefined,
      fallback,
      options: listOf(options).map((option) => String(membersOf(option)["value"] ?? option)),
      note: typeof description === "string" ? description : undefined,
    };
  });
}

const isNumber = ({ type }: Parameter) => type === "number" || type === "integer";

function fieldOf(parameter: Parameter): FieldProps {
  const { key, type, label, isRequired, fallback, options, note } = parameter;
  const value = fallback === undefined || fallback === null ? "" : String(fallback);
  if (type === "boolean") return { name: key, label, note, value: value === "" ? "false" : value, options: [["true", say("on")], ["false", say("off")]] };
  if (options.length > 0) return { name: key, label, note, value, options: options.map((each) => [each, each] as const) };
  return { name: key, label, note, value, required: isRequired, type: isNumber(parameter) ? "number" : "text" };
}

/** What was filled in; a field that was left empty is left out, so that its default acts. */
function valuesIn(fields: FormData, parameters: readonly Parameter[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    parameters.flatMap((parameter) => {
      const text = textIn(fields, parameter.key);
      if (text === "") return [];
      return [[parameter.key, parameter.type === "boolean" ? text === "true" : isNumber(parameter) ? Number(text) : text]];
    }),
  );
}

function RunForm({ id, parameters }: { readonly id: string; readonly parameters: readonly Parameter[] }) {
  const run = useDeed("task.run");
  const [isSent, setSent] = useState(false);
  const send = (fields: FormData) => {
    setSent(true);
    run.mutateAsync({ path: { workflow_id: id }, body: { parameters: valuesIn(fields, parameters) } }).then(({ task_id }) => go(`/tasks/${task_id}`), () => setSent(false));
  };
  return (
    <Form label={say("runHeading")} submit={say("run")} isBusy={isSent} error={run.error} send={send}>
      {parameters.length === 0 ? <p className="note">{say("noParameters")}</p> : parameters.map((parameter) => <Field key={parameter.key} {...fieldOf(parameter)} />)}
    </Form>
  );
}

export function Workflow({ id }: { readonly id: string }) {
  const { data, error, refetch } = useAnswer("workflow.read_runtime", { path: { workflow_id: id } });
  if (data === undefined) return <Absent title={say("workflows")} error={error} again={() => void refetch()} />;
  return (
    <>
      <Heading>{data.display_name}</Heading>
      <p>
        <Badge state={data.workflow_status} /> <code>{`${data.workflow_slug}@${data.version}`}</code> · {data.tool_type}
      </p>
      {data.description === "" ? null : <p>{data.description}</p>}
      <h2>{say("runHeading")}</h2>
      {data.workflow_status === "active" ? <RunForm key={id} id={id} parameters={parametersOf(data)} /> : <Notice tone="warn">{data.workflow_status}</Notice>}
      <WorkflowHistory id={id} />
      <p>
        <Link to="/workflows">{say("workflows")}</Link>
      </p>
    </>
  );
}
