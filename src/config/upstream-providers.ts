/**
 * Upstream providers in the config file: one table each, its secret in a file beside it.
 *
 *     [upstream_providers.google]
 *     preset = "google"
 *     client_id = "…"
 *     client_secret_file = "google.secret"
 *
 * Rule: reads and reports; what a provider may be is `upstream-provider.ts`'s to say.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../fault.ts";
import { Secret } from "../secret.ts";
import { type HeldProvider, isClientSecret, readProvider, type UpstreamProvider } from "../upstream-provider.ts";
import type { Mistake } from "./sources.ts";

/** The key of the tables in a config file. */
export const UPSTREAM_PROVIDERS_KEY = "upstream_providers";

const SECRET_FILE_BYTES_MAX = 4_096;
const PROVIDERS_MAX = 50;

export interface ReadProviders {
  readonly providers: readonly HeldProvider[];
  readonly mistakes: readonly Mistake[];
}

/** What is wrong with a table, without where it stands. */
class TableProblem extends Error {}

function tableOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
}

function secretIn(path: string): Secret {
  try {
    if (statSync(path).size > SECRET_FILE_BYTES_MAX) throw new TableProblem(`client_secret_file ${path} is larger than ${SECRET_FILE_BYTES_MAX} bytes`);
    const text = readFileSync(path, "utf8").split(/\r?\n/, 1)[0] ?? "";
    if (isClientSecret(text)) return new Secret(text);
  } catch (error) {
    if (error instanceof TableProblem) throw error;
    throw new TableProblem(`client_secret_file ${path} cannot be read`);
  }
  throw new TableProblem(`client_secret_file ${path} does not hold a secret of 1 to 500 printable characters in its first line`);
}

function secretOf({ token_endpoint_auth_method }: UpstreamProvider, file: unknown, folder: string): Secret | undefined {
  const isNeeded = token_endpoint_auth_method !== "none";
  if (file !== undefined && (typeof file !== "string" || file === "")) throw new TableProblem("client_secret_file is the path of a file");
  if (isNeeded !== (file !== undefined)) throw new TableProblem(isNeeded ? "client_secret_file is missing" : "client_secret_file has no use with token_endpoint_auth_method none");
  return typeof file === "string" ? secretIn(resolve(folder, file)) : undefined;
}

function providerIn(id: string, value: unknown, folder: string): HeldProvider {
  const table = tableOf(value);
  if (table === undefined) throw new TableProblem("must be a table");
  const members = Object.fromEntries([...table].filter(([name]) => name !== "client_secret_file"));
  if (Object.hasOwn(members, "client_secret")) throw new TableProblem("client_secret does not stand in this file; name a file that holds it with client_secret_file");
  const provider = readProvider(id, members);
  return { ...provider, secret: secretOf(provider, table.get("client_secret_file"), folder) };
}

/** The providers that `value`, the tables of the config file at `path`, describes, and every mistake in them. */
export function readUpstreamProviders(path: string, value: unknown): ReadProviders {
  const key = `${path}: ${UPSTREAM_PROVIDERS_KEY}`;
  const tables = tableOf(value);
  if (tables === undefined || tables.size > PROVIDERS_MAX) return { providers: [], mistakes: [{ where: key, problem: `must be tables, one for each provider, ${PROVIDERS_MAX} at most` }] };
  const providers: HeldProvider[] = [];
  const mistakes: Mistake[] = [];
  for (const [id, each] of tables) {
    try {
      providers.push(providerIn(id, each, dirname(path)));
    } catch (error) {
      if (!(error instanceof TableProblem) && !(error instanceof Fault)) throw error;
      mistakes.push({ where: `${key}.${id}`, problem: error.message.replace(/\.$/, "") });
    }
  }
  return { providers, mistakes };
}
