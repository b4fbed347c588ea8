/**
 * What an administrator says of an upstream provider, by config file or by API: read once, into a type that cannot be
 * wrong. Members have the names of RFC 8414 and RFC 7591 where those have one.
 *
 * Rule: pure. It knows how a provider is described, not how it is asked.
 */
import { invalidField } from "./fault.ts";
import type { Secret } from "./secret.ts";

/**
 * Who may get an account by signing in. `none`: nobody. `registration`: everybody, while the license carries the feature
 * `registration`. `trusted`: everybody, always; the administrator says that whom this provider knows belongs here.
 */
export const provisionings = ["none", "registration", "trusted"] as const;
export type Provisioning = (typeof provisionings)[number];

/** How this deployment authenticates at the provider's token endpoint. */
export const providerAuthMethods = ["client_secret_basic", "client_secret_post", "none"] as const;
export type ProviderAuthMethod = (typeof providerAuthMethods)[number];

export interface UpstreamProvider {
  /** Short, in addresses; given once. */
  readonly id: string;
  /** On the button. */
  readonly display_name: string;
  /** As the provider's own discovery document spells it. Given once: people are known by it. */
  readonly issuer: string;
  readonly client_id: string;
  readonly token_endpoint_auth_method: ProviderAuthMethod;
  /** One space between; with `openid`. */
  readonly scope: string;
  readonly provisioning: Provisioning;
  /** Domains of verified email addresses that may sign in; empty for all. */
  readonly allowed_domains: readonly string[];
}

/** A provider with what it takes to ask it. */
export interface HeldProvider extends UpstreamProvider {
  /** Undefined where the method is `none`. */
  readonly secret: Secret | undefined;
}

const presets: Readonly<Record<string, { readonly issuer: string; readonly display_name: string }>> = {
  google: { issuer: "https://accounts.google.com", display_name: "Google" },
};
const presetNames = Object.keys(presets);

/** Providers where anybody in the world can have an account. */
const openToAll: readonly string[] = [presets["google"]?.issuer ?? ""];

const members = ["preset", "display_name", "issuer", "client_id", "token_endpoint_auth_method", "scope", "provisioning", "allowed_domains"] as const;
const memberNames: readonly string[] = members;

const ID = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
/** Printable ASCII (RFC 6749 appendix A.1). */
const PRINTABLE = /^[\x20-\x7E]{1,500}$/;
/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]{1,100}$/;
const SCOPES_MAX = 20;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const DOMAINS_MAX = 50;
const ISSUER_CHARACTERS_MAX = 500;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

type Members = Readonly<Record<string, unknown>>;

/** Whether the provider is asked without TLS: only one on this very host can be. */
export function isPlain({ issuer }: Pick<UpstreamProvider, "issuer">): boolean {
  return issuer.startsWith("http:");
}

function issuerProblem(text: string): string | undefined {
  if (text.length > ISSUER_CHARACTERS_MAX || !URL.canParse(text)) return "is the address of an OpenID provider, such as https://login.example.com";
  const url = new URL(text);
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return "is an address without query, fragment or login";
  if (url.href !== text && url.href !== `${text}/`) return "is spelled as the provider's discovery document spells it: lower case, without dot segments";
  if (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname))) return undefined;
  return "begins with https://";
}

/** What a member may be, and how a refusal says so. */
interface Form {
  readonly pattern: RegExp;
  readonly problem: string;
}

const displayNameForm: Form = { pattern: /^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u, problem: "has 1 to 60 characters, none of them control characters" };
const clientIdForm: Form = { pattern: PRINTABLE, problem: "is the client_id that the provider gave, in printable characters" };

function textOf(given: Members, name: string, { pattern, problem }: Form): string | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && pattern.test(value)) return value;
  throw invalidField(name, problem);
}

function choiceOf<const Choice extends string>(given: Members, name: string, choices: readonly Choice[]): Choice | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalidField(name, `is one of ${choices.join(", ")}`);
  return found;
}

function issuerOf(given: Members): string {
  const preset = choiceOf(given, "preset", presetNames);
  const fixed = preset === undefined ? undefined : presets[preset]?.issuer;
  const issuer = given["issuer"] ?? fixed;
  if (typeof issuer !== "string") throw invalidField("issuer", "is the address of an OpenID provider; only a preset can do without");
  const problem = fixed !== undefined && issuer !== fixed ? `is ${fixed} for this preset; leave it out` : issuerProblem(issuer);
  if (problem !== undefined) throw invalidField("issuer", problem);
  return issuer;
}

function displayNameOf(given: Members, id: string): string {
  const preset = given["preset"];
  const fallback = (typeof preset === "string" ? presets[preset]?.display_name : undefined) ?? id;
  return (textOf(given, "display_name", displayNameForm) ?? fallback).trim() || fallback;
}

function scopeOf(given: Members): string {
  const text = given["scope"] ?? "openid email profile";
  const scopes = typeof text === "string" ? text.split(" ") : [];
  if (!scopes.includes("openid") || scopes.length > SCOPES_MAX || !scopes.every((scope) => SCOPE_TOKEN.test(scope))) {
    throw invalidField("scope", `is a list of scopes with one space between, among them openid, ${SCOPES_MAX} at most`);
  }
  return scopes.join(" ");
}

function domainsOf(given: Members): readonly string[] {
  const list: unknown = given["allowed_domains"] ?? [];
  const problem = `is a list of domains such as example.com, ${DOMAINS_MAX} at most, in lower case`;
  if (!Array.isArray(list) || list.length > DOMAINS_MAX) throw invalidField("allowed_domains", problem);
  return list.map((domain: unknown) => {
    if (typeof domain === "string" && DOMAIN.test(domain)) return domain;
    throw invalidField("allowed_domains", problem);
  });
}

/** The provider of that id. Throws Fault `invalid_request` naming the first member that cannot be, or that nobody knows. */
export function readProvider(id: string, given: Members): UpstreamProvider {
  const unknown = Object.keys(given).find((name) => !memberNames.includes(name));
  if (unknown !== undefined) throw invalidField(unknown.slice(0, 60), `is not known; there are ${members.join(", ")}`);
  if (!ID.test(id)) throw invalidField("id", "has 1 to 32 lower-case letters, digits and hyphens");
  const client_id = textOf(given, "client_id", clientIdForm);
  if (client_id === undefined) throw invalidField("client_id", "is missing: it is the client_id that the provider gave");
  const provider: UpstreamProvider = {
    id,
    display_name: displayNameOf(given, id),
    issuer: issuerOf(given),
    client_id,
    token_endpoint_auth_method: choiceOf(given, "token_endpoint_auth_method", providerAuthMethods) ?? "client_secret_basic",
    scope: scopeOf(given),
    provisioning: choiceOf(given, "provisioning", provisionings) ?? "registration",
    allowed_domains: domainsOf(given),
  };
  if (provider.provisioning === "trusted" && provider.allowed_domains.length === 0 && openToAll.includes(provider.issuer)) {
    throw invalidField("provisioning", "may not be trusted for a provider where anybody can have an account, unless allowed_domains says who is meant");
  }
  return provider;
}

/** Whether the text can be a client secret. */
export function isClientSecret(text: string): boolean {
  return PRINTABLE.test(text);
}
