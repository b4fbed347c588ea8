/**
 * The definition of a container service: what a save replaces, and what the next deployment acts by.
 *
 * Rule: pure. `deployed`: an image that an agent runs on its own host. `external`: an address that an agent calls from there. Which images,
 * volumes and addresses an agent lends itself to, its own file says.
 */
import { type Static, Type } from "typebox";
import { assert, Fault, invalidField } from "../fault.ts";
import { shapeOf } from "../shape.ts";

export const serviceTypes = ["deployed", "external"] as const;
export type ServiceType = (typeof serviceTypes)[number];
/** As documented. Only a running one can be called. */
export const serviceStatuses = ["created", "deploying", "running", "stopping", "stopped", "failed"] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

const closed = { additionalProperties: false };
const Line = (maxLength: number) => Type.String({ maxLength, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });
const AbsolutePath = Type.String({ pattern: "^/[^\\u0000-\\u0020\\u007f?#\\\\]*$", maxLength: 500 });

/** What has no column of its own; stored as JSON. */
const BodySchema = Type.Object(
  {
    service_desc: Type.String({ maxLength: 2_000 }),
    docker_image: Type.Union([Type.Null(), Type.String({ pattern: "^[a-z0-9][A-Za-z0-9._/:@-]{0,499}$" })]),
    external_url: Type.Union([Type.Null(), Type.String({ pattern: "^https://", maxLength: 2_048 })]),
    exposed_port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    health_path: AbsolutePath,
    env_config: Type.Array(Type.Object({ env_name: Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,99}$" }), env_value: Line(8_192) }, closed), { maxItems: 100 }),
    volume_config: Type.Array(Type.Object({ host_path: Type.String({ pattern: "^/[^:,\\u0000-\\u001f]*$", maxLength: 1_000 }), container_path: Type.String({ pattern: "^/[^:,\\u0000-\\u001f]*$", maxLength: 1_000 }) }, closed), { maxItems: 32 }),
    required_labels: Type.Array(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$" }), { maxItems: 32, uniqueItems: true }),
    /** -1: all of the host's. */
    gpu_count: Type.Integer({ minimum: -1, maximum: 64 }),
    replica_count: Type.Integer({ minimum: 1, maximum: 10 }),
    usage_prompt: Type.String({ maxLength: 10_000 }),
    openapi_url: Type.Union([Type.Null(), AbsolutePath]),
  },
  closed,
);
export type ServiceBody = Static<typeof BodySchema>;
const bodyShape = shapeOf(BodySchema);

const emptyBody: ServiceBody = {
  service_desc: "",
  docker_image: null,
  external_url: null,
  exposed_port: 8_080,
  health_path: "/health",
  env_config: [],
  volume_config: [],
  required_labels: [],
  gpu_count: 0,
  replica_count: 1,
  usage_prompt: "",
  openapi_url: null,
};
const bodyNames = Object.keys(emptyBody);

export interface ServiceDefinition extends ServiceBody {
  readonly service_slug: string;
  readonly display_name: string;
  readonly service_type: ServiceType;
}

/** What a save brings; what is left out stays as it was, and at a creation takes the default. */
export type ServiceInput = { readonly [Name in keyof ServiceDefinition | "external_auth_credential_id"]?: unknown };

const SLUG = /^[a-z0-9][a-z0-9-]{1,98}[a-z0-9]$/;

function requireSlug(text: unknown, before: ServiceDefinition | undefined): string {
  if (before !== undefined && text !== undefined && text !== before.service_slug) throw invalidField("service_slug", "stays as it is: make another service for another slug");
  if (before !== undefined) return before.service_slug;
  if (typeof text === "string" && SLUG.test(text)) return text;
  throw invalidField("service_slug", "has 3 to 100 characters: small letters, digits and hyphens, with no hyphen at either end");
}

function requireType(text: unknown, before: ServiceDefinition | undefined): ServiceType {
  const found = serviceTypes.find((type) => type === (text ?? before?.service_type ?? "deployed"));
  if (found === undefined) throw invalidField("service_type", `is one of ${serviceTypes.join(", ")}`);
  if (before !== undefined && found !== before.service_type) throw invalidField("service_type", "stays as it is: make another service for another type");
  return found;
}

function requireName(text: unknown): string {
  if (typeof text === "string" && text.length >= 1 && text.length <= 255 && text.isWellFormed() && !/\p{Cc}/u.test(text)) return text;
  throw invalidField("display_name", "is text of 1 to 255 characters");
}

/** What each type needs, and what it has no use for. */
function requireOfType({ service_type, docker_image, external_url }: ServiceDefinition): void {
  if (service_type === "deployed" && docker_image === null) throw invalidField("docker_image", "is needed for a deployed service");
  if (service_type === "deployed" && external_url !== null) throw invalidField("external_url", "is for external services");
  if (service_type === "external" && docker_image !== null) throw invalidField("docker_image", "is for deployed services");
  if (service_type === "external") requireAddress(external_url);
}

function requireAddress(text: string | null): void {
  const url = text === null ? null : URL.parse(text);
  if (url === null) throw invalidField("external_url", "is needed for an external service: an https address");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") throw invalidField("external_url", "has no user information, query or fragment");
}

function bodyFrom(input: ServiceInput, before: ServiceBody): ServiceBody {
  // As documented, null is taken as left out.
  const given = Object.fromEntries(Object.entries(input).filter(([name, value]) => bodyNames.includes(name) && value !== undefined && value !== null));
  const body: unknown = { ...before, ...given };
  if (bodyShape.Check(body)) return body;
  const [first] = bodyShape.Errors(body);
  throw invalidField(first?.instancePath.slice(1).replaceAll("/", ".") || "docker_image", `does not fit: ${first?.message ?? "it has another form"}`);
}

/** The definition that `input` makes of `before`. Throws Fault `invalid_request` naming the first field that cannot be. */
export function requireService(input: ServiceInput, before?: ServiceDefinition): ServiceDefinition {
  if (input.external_auth_credential_id !== undefined && input.external_auth_credential_id !== null) {
    throw new Fault("invalid_request", "This deployment keeps no credentials for external services.", {
      hint: "Leave external_auth_credential_id out, and name a file with the Authorization header in the agent's own file (services.authorization): the secret then stays on the agent's host.",
      details: { field: "external_auth_credential_id" },
    });
  }
  const definition: ServiceDefinition = {
    ...bodyFrom(input, before === undefined ? emptyBody : bodyOf(before)),
    service_slug: requireSlug(input.service_slug, before),
    display_name: requireName(input.display_name ?? before?.display_name),
    service_type: requireType(input.service_type, before),
  };
  requireOfType(definition);
  return definition;
}

function bodyOf(definition: ServiceBody): ServiceBody {
  const { service_desc, docker_image, external_url, exposed_port, health_path, env_config, volume_config, required_labels, gpu_count, replica_count, usage_prompt, openapi_url } = definition;
  return { service_desc, docker_image, external_url, exposed_port, health_path, env_config, volume_config, required_labels, gpu_count, replica_count, usage_prompt, openapi_url };
}

/** As it is stored. */
export function writeServiceBody(definition: ServiceBody): string {
  return JSON.stringify(bodyOf(definition));
}

/** As it was stored. */
export function readServiceBody(json: string): ServiceBody {
  const stored: unknown = JSON.parse(json);
  assert(typeof stored === "object" && stored !== null, "a stored definition is an object");
  const body: unknown = { ...emptyBody, ...stored };
  assert(bodyShape.Check(body), "a stored definition is one that was accepted");
  return body;
}
