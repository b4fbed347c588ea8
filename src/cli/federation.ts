/** `cyberun federation bundle …`, `site-key` and `people`: other sites, and what their people may do here. */
import { writeFileSync } from "node:fs";
import { Fault } from "../fault.ts";
import {
  addFederationSite,
  exportFederationBundle,
  importFederationBundle,
  linkFederationPerson,
  listFederationSites,
  peekFederationBundle,
  readFederationSiteKey,
  removeFederationSite,
  updateFederationSite,
} from "../roles/operator/federation-calls.ts";
import { confirm, requireConfirmable } from "./confirm.ts";
import type { Context, Result } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { openOperator, requireServer } from "./operator.ts";

const FILE_BYTES_MAX = 65_536;

/** The fingerprint in groups, as people compare it. */
export function shownFingerprint(kid: string): string {
  return kid.replace(/(.{8})(?=.)/g, "$1 ");
}

/** Writes `text` to the new file that --out names; undefined where it names none. */
export function writeNamed({ options }: Context, text: string): string | undefined {
  const path = options.get("out");
  if (path === undefined) return undefined;
  try {
    writeFileSync(path, `${text}\n`, { flag: "wx", mode: 0o600 });
    return path;
  } catch (cause) {
    throw new Fault("conflict", `The file ${path} cannot be made.`, { hint: "Name a file that does not exist yet, in a directory that this user may write to.", cause });
  }
}

export async function federationSiteKey(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const own = await way.ask(readFederationSiteKey, null);
  const out = writeNamed(context, own.site_key);
  const lines = [shownFingerprint(own.fingerprint), `issuer ${own.issuer}`, `API ${own.api_url}`, ...(out === undefined ? [] : [`The public key lies in ${out}.`])];
  return { data: { ...own, out: out ?? null }, text: lines.join("\n") };
}

function daysOf({ options }: Context): { readonly days?: number } {
  const days = options.get("days");
  if (days === undefined) return {};
  if (/^\d{1,3}$/.test(days)) return { days: Number(days) };
  throw new Fault("invalid_request", "--days is a whole number from 1 to 365.");
}

export async function federationBundleExport(context: Context): Promise<Result> {
  const input = daysOf(context);
  await using way = await openOperator(context);
  const made = await way.ask(exportFederationBundle, input);
  const out = writeNamed(context, made.bundle);
  const text = out === undefined ? made.bundle : `Bundle ${made.sequence} lies in ${out}, good until ${made.expires_at}. Fingerprint: ${shownFingerprint(made.fingerprint)}`;
  return { data: { ...made, out: out ?? null }, text };
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(",").map((each) => each.trim()).filter((each) => each !== "");
}

function flagOf({ options }: Context, name: "signIn" | "refresh"): boolean | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  if (text === "yes" || text === "no") return text === "yes";
  throw new Fault("invalid_request", `--${name === "signIn" ? "sign-in" : name} is yes or no.`);
}

/** The rules that the flags give; others stay as they are. */
function rulesOf(context: Context) {
  const { options } = context;
  const [audiences, teams, role, mapping] = [listOf(options.get("audiences")), options.get("teams"), options.get("role"), options.get("mapping")];
  const [sign_in, refresh] = [flagOf(context, "signIn"), flagOf(context, "refresh")];
  return {
    ...(audiences === undefined ? {} : { audiences }),
    ...(teams === undefined ? {} : { team_ids: teams === "all" ? null : (listOf(teams) ?? []) }),
    ...(role === undefined ? {} : { role }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(sign_in === undefined ? {} : { sign_in }),
    ...(refresh === undefined ? {} : { refresh }),
  };
}

/** What was compared: by flag, or shown on the terminal and asked about. */
async function comparedFingerprint(context: Context, shown: string): Promise<string> {
  const given = context.options.get("fingerprint");
  if (given !== undefined) return given;
  if (!context.terminal.isInteractive) throw new Fault("invalid_request", "The fingerprint of the other site is needed to pin it.", { hint: "Name what its operator read out with --fingerprint. Nothing was done." });
  await confirm(context, `The bundle is of the site ${shownFingerprint(shown)}. Did its operator read out exactly this?`);
  return shown;
}

interface Line {
  readonly id: string;
  readonly shape: string;
  readonly state: string;
  readonly issuer: string;
  readonly expires_at: string;
  readonly sequence: number;
  readonly rules: { readonly role: string; readonly mapping: string; readonly team_ids: readonly string[] | null };
}

function siteLine({ id, shape, state, issuer, expires_at, sequence, rules }: Line): string {
  const teams = rules.team_ids === null ? "all their teams" : `${rules.team_ids.length} teams`;
  return `${id.padEnd(24)}  ${state.padEnd(8)}  ${shape.padEnd(7)}  bundle ${sequence} until ${expires_at}  ${rules.mapping}, ${rules.role} in ${teams}  ${issuer}`;
}

export async function federationBundleAdd(context: Context): Promise<Result> {
  const [path = ""] = context.operands;
  const bundle = readNamedFile(path, FILE_BYTES_MAX).toString("latin1").trim();
  const rules = rulesOf(context);
  const id = context.options.get("siteId");
  await using way = await openOperator(context);
  const peeked = await way.ask(peekFederationBundle, { bundle });
  if (peeked.is_pinned) {
    const site = await way.ask(importFederationBundle, { bundle });
    return { data: { site }, text: siteLine(site) };
  }
  const fingerprint = await comparedFingerprint(context, peeked.fingerprint);
  requireServer(way, "This lets people of another site in");
  const site = await way.ask(addFederationSite, { bundle, fingerprint, ...(id === undefined ? {} : { id }), is_replica: context.options.has("replica"), ...rules });
  return { data: { site }, text: siteLine(site) };
}

export async function federationBundleList(context: Context): Promise<Result> {
  await using way = await openOperator(context);
  const { sites } = await way.ask(listFederationSites, null);
  return { data: { sites }, text: sites.length === 0 ? "No site is pinned here." : sites.map(siteLine).join("\n") };
}

export async function federationBundleRules(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  const rules = rulesOf(context);
  await using way = await openOperator(context);
  const site = await way.ask(updateFederationSite, { id, ...rules });
  return { data: { site }, text: siteLine(site) };
}

export async function federationBundleRemove(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  requireConfirmable(context);
  await using way = await openOperator(context);
  await confirm(context, `Shut out the site ${id} with everybody whom only it vouches for?`);
  const removed = await way.ask(removeFederationSite, { id });
  return { data: removed, text: `The site ${removed.id} is shut out: ${removed.sessions} sessions ended, ${removed.accounts} accounts disabled.` };
}

export async function federationPeopleLink(context: Context): Promise<Result> {
  const [site_id = "", subject = "", user_id = ""] = context.operands;
  await using way = await openOperator(context);
  await way.ask(linkFederationPerson, { site_id, subject, user_id });
  return { data: { site_id, subject, user_id }, text: `${subject} of ${site_id} is ${user_id} here.` };
}
