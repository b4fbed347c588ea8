/**
 * The definition of a workflow: everything that a save replaces and a snapshot keeps.
 *
 * Rule: pure. What is stored has passed {@link requireDefinition}; a task copies what it needs from it, so that later edits
 * act on later runs only.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { assert, invalidField } from "../fault.ts";
import { ParameterSchema, PARAMETERS_MAX, requireParameters } from "./parameters.ts";

/** Of the definition as JSON; the largest ComfyUI graphs are a tenth of it. */
export const DEFINITION_CHARACTERS_MAX = 600_000;
const DISPLAY_NAME_MAX = 255;
const DESCRIPTION_MAX = 2_000;
const WEEK_SECONDS = 604_800;
const RETRIES_MAX = 20;

/** `comfyui` and `nerfstudio` as documented; `command` is ours: a command that the agent's own host allows. */
export const toolTypes = ["comfyui", "nerfstudio", "command"] as const;
export type ToolType = (typeof toolTypes)[number];
/** `disabled` refuses new tasks. */
export const workflowStatuses = ["active", "disabled"] as const;
export type WorkflowStatus = (typeof workflowStatuses)[number];

const closed = { additionalProperties: false };
export const Label = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$" });

/** What of a definition has no column of its own; stored as JSON. */
export const BodySchema = Type.Object(
  {
    /** ComfyUI: the graph in API format. Nerfstudio: the pipeline. Command: `{"command": NAME}`, NAME being on the agent's own list. */
    workflow_json: Type.Record(Type.String(), Type.Unknown()),
    parameters: Type.Array(ParameterSchema, { maxItems: PARAMETERS_MAX }),
    required_labels: Type.Array(Label, { maxItems: 32, uniqueItems: true }),
    /** Seconds from the agent's acceptance; 0 for none. */
    task_timeout: Type.Integer({ minimum: 0, maximum: WEEK_SECONDS }),
    max_retries: Type.Integer({ minimum: 0, maximum: RETRIES_MAX }),
    preferred_gpu: Type.Union([Type.Null(), Type.String({ maxLength: 100 })]),
    default_dispatch_target: Type.Literal("agent"),
    min_vram_gb: Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 4_096 })]),
    required_models: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100, uniqueItems: true }),
  },
  closed,
);
export type Body = Static<typeof BodySchema>;

const bodyShape = shapeOf(BodySchema);

/** A row from before definitions were kept has an empty one. */
const emptyBody: Body = {
  workflow_json: {},
  parameters: [],
  required_labels: [],
  task_timeout: 0,
  max_retries: 0,
  preferred_gpu: null,
  default_dispatch_target: "agent",
  min_vram_gb: null,
  required_models: [],
};

export interface Definition extends Body {
  readonly workflow_slug: string;
  readonly display_name: string;
  readonly description: string;
  readonly tool_type: ToolType;
}

/** What a save brings; what is left out stays as it was, and at a creation takes the default. */
export type DefinitionInput = { readonly [Name in keyof Definition]?: unknown };

const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const COMMAND_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;

export function requireSlug(field: string, text: unknown): string {
  if (typeof text === "string" && text.length >= 2 && text.length <= 100 && SLUG.test(text)) return text;
  throw invalidField(field, "has 2 to 100 characters: small letters and digits, in words joined by single hyphens");
}

function requireText(field: string, text: unknown, { min, max }: { readonly min: number; readonly max: number }): string {
  if (typeof text === "string" && text.isWellFormed() && text.length >= min && text.length <= max && !/[\p{Cc}&&[^\n\t]]/v.test(text)) return text;
  throw invalidField(field, `is text of ${min} to ${max} characters`);
}

function requireToolType(text: unknown): ToolType {
  const found = toolTypes.find((type) => type === text);
  if (found === undefined) throw invalidField("tool_type", `is one of ${toolTypes.join(", ")}`);
  return found;
}

/** A command is named, never written: which program that is, the agent's own file says. */
function requireCommand({ tool_type, workflow_json }: Definition): void {
  if (tool_type !== "command") return;
  const { command, ...more } = workflow_json;
  if (typeof command === "string" && COMMAND_NAME.test(command) && Object.keys(more).length === 0) return;
  throw invalidField("workflow_json", 'of a command is {"command": NAME}, with a name from the list of the agent');
}

function bodyFrom(input: DefinitionInput, before: Body): Body {
  const names = Object.keys(emptyBody);
  const given = Object.fromEntries(Object.entries(input).filter(([name, value]) => names.includes(name) && value !== undefined));
  const body: unknown = { ...before, ...given };
  if (bodyShape.Check(body)) return body;
  const [first] = bodyShape.Errors(body);
  throw invalidField(first?.instancePath.slice(1).replaceAll("/", ".") || "workflow_json", `does not fit: ${first?.message ?? "it has another form"}`);
}

/** The definition that `input` makes of `before`. Throws Fault `invalid_request` naming the first field that cannot be. */
export function requireDefinition(input: DefinitionInput, before?: Definition): Definition {
  const { workflow_slug = before?.workflow_slug, display_name = before?.display_name, description = before?.description ?? "", tool_type = before?.tool_type ?? "comfyui" } = input;
  const definition: Definition = {
    ...bodyFrom(input, before === undefined ? emptyBody : bodyOf(before)),
    workflow_slug: requireSlug("workflow_slug", workflow_slug),
    display_name: requireText("display_name", display_name, { min: 1, max: DISPLAY_NAME_MAX }),
    description: requireText("description", description, { min: 0, max: DESCRIPTION_MAX }),
    tool_type: requireToolType(tool_type),
  };
  requireParameters(definition.parameters);
  requireCommand(definition);
  if (writeBody(definition).length > DEFINITION_CHARACTERS_MAX) throw invalidField("workflow_json", `is too large: the definition has at most ${DEFINITION_CHARACTERS_MAX} characters`);
  return definition;
}

function bodyOf({ workflow_json, parameters, required_labels, task_timeout, max_retries, preferred_gpu, default_dispatch_target, min_vram_gb, required_models }: Body): Body {
  return { workflow_json, parameters, required_labels, task_timeout, max_retries, preferred_gpu, default_dispatch_target, min_vram_gb, required_models };
}

/** As it is stored. */
export function writeBody(definition: Body): string {
  return JSON.stringify(bodyOf(definition));
}

/** As it was stored. */
export function readBody(json: string): Body {
  const stored: unknown = JSON.parse(json);
  assert(typeof stored === "object" && stored !== null, "a stored definition is an object");
  const body: unknown = { ...emptyBody, ...stored };
  assert(bodyShape.Check(body), "a stored definition is one that was accepted");
  return body;
}

export function readToolType(text: string): ToolType {
  const found = toolTypes.find((type) => type === text);
  assert(found !== undefined, "a stored workflow has one of the tool types");
  return found;
}
