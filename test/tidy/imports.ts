/**
 * What a file imports, and what the plan of the house lets it import.
 *
 * Rule: data flows one way, so folders of `src` import only what stands to their left. The table is the plan; a folder
 * that is not in it does not exist.
 */
import { posix } from "node:path";
import { lineAt, type SourceText } from "./source-text.ts";

export interface Import {
  readonly line: number;
  /** As written: a package, or a path. */
  readonly specifier: string;
  /** True when only types are taken, so that nothing of it runs. */
  readonly isType: boolean;
  /** The path from the root that a relative import leads to; undefined for a package. */
  readonly path: string | undefined;
}

const statements = /\b(?:import|export)\s+(type\s)?(?:[\w$*{][^;"'`()]*?\bfrom\s*)?"([^"\n]+)"|\bimport\s*\(\s*"([^"\n]+)"\s*\)|\bnew\s+URL\(\s*"(\.[^"\n]+)",\s*import\.meta\.url\s*\)/g;

/** Every import of the file at `path`: static, dynamic, and the URL of a worker. */
export function importsOf(path: string, source: SourceText): readonly Import[] {
  return [...source.withLiterals.matchAll(statements)].flatMap((match) => {
    // The same words inside of a string are no import: there the code is blank.
    if (source.code.slice(match.index, match.index + 3).trim() === "") return [];
    const specifier = match[2] ?? match[3] ?? match[4] ?? "";
    const isRelative = specifier.startsWith(".");
    return {
      line: lineAt(source.code, match.index),
      specifier,
      isType: match[1] !== undefined,
      path: isRelative ? posix.join(posix.dirname(path), specifier) : undefined,
    };
  });
}

const ground = ["crypto", "store", "gate", "license"];
const people = [...ground, "mail", "identity"];
const groups = [...people, "teams"];
const keys = [...groups, "credentials"];
const told = [...keys, "notifications"];
const work = [...told, "agents", "tunnels", "containers", "workflows", "files", "tasks", "webhooks"];
const domains = [...work, "oidc", "federation", "audit", "backup"];

/**
 * Which folders of `src` a folder may import from, itself and the files at the top of `src` aside.
 * `gate` and `license` need each other: the gate asks the license, and the license's own commands pass the gate.
 */
export const plan: Readonly<Record<string, readonly string[]>> = {
  config: ["crypto"],
  crypto: [],
  store: ["crypto"],
  gate: ["crypto", "store", "license"],
  license: ["crypto", "store", "gate"],
  mail: [],
  tls: [],
  identity: [...ground, "mail"],
  teams: people,
  credentials: groups,
  notifications: keys,
  agents: keys,
  tunnels: [...keys, "agents"],
  containers: [...keys, "agents"],
  workflows: [...keys, "agents"],
  files: keys,
  tasks: [...keys, "agents", "workflows", "files"],
  webhooks: [...keys, "agents", "workflows", "files", "tasks"],
  oidc: groups,
  federation: [...groups, "oidc"],
  audit: groups,
  doctor: ["config"],
  system: [...people, "doctor"],
  backup: [...groups, "audit"],
  across: domains,
  dashboard: domains,
  http: domains,
  roles: [...domains, "system", "across", "http", "dashboard"],
  agent: ["crypto", "license", "agents"],
  cli: ["config", "doctor", ...domains, "across", "http", "roles", "agent", "dashboard", "tls", "release"],
  release: ["crypto"],
  vendor: ["crypto", "license", "release"],
};

interface Composer {
  /** Folders it may import from. */
  readonly imports: readonly string[];
  /** Folders that may import it. */
  readonly importedFrom: readonly string[];
}

/** Files at the top of `src` that put the house together; the others there are its ground and import `crypto` alone. */
const composers: Readonly<Record<string, Composer>> = {
  "src/main.ts": { imports: ["config", "cli", "backup"], importedFrom: [] },
  // The door of the folder `config`; whoever starts something reads it, and nothing below does.
  "src/config.ts": { imports: ["config", "crypto"], importedFrom: ["", "cli"] },
  "src/process.ts": { imports: ["config", ...domains, "across", "tls", "http", "roles"], importedFrom: ["cli"] },
};

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** The role a file of `src/roles` belongs to: `api` for `roles/api.ts` and `roles/api/teams.ts`. */
function roleOf(path: string): string | undefined {
  return /^src\/roles\/([^/.]+)/.exec(path)?.[1];
}

function mayImport(from: string, folder: string): boolean {
  const own = folderOf(from);
  if (own === undefined) return (composers[from]?.imports ?? ["crypto"]).includes(folder);
  return own === folder || (plan[own] ?? []).includes(folder);
}

/** The sentence that says what is wrong with one file of `src` importing another, or undefined. */
export function breachOf(from: string, to: string): string | undefined {
  const [own, folder] = [folderOf(from), folderOf(to)];
  if (own !== undefined && !Object.hasOwn(plan, own)) return `src/${own} is not in the plan. Add it to the table in test/tidy/imports.ts, with what stands to its left`;
  if (to.startsWith("embedded-keys/")) return /^src\/(?:license|release)\/trust\.ts$/.test(from) ? undefined : "only src/license/trust.ts and src/release/trust.ts read embedded-keys. Import what they export";
  if (to.startsWith("embedded-app/")) return from === "src/dashboard/app-script.ts" ? undefined : "only src/dashboard/app-script.ts serves the dashboard's script. Import what it exports";
  // What runs in the browser asks the API as a product does.
  if (to.startsWith("embedded-handbook/")) return from === "src/dashboard/handbook.ts" ? undefined : "only src/dashboard/handbook.ts serves the handbook. Import what it exports";
  if (to.startsWith("client/") && from.startsWith("src/dashboard/app/")) return undefined;
  if (!to.startsWith("src/")) return `src imports nothing from ${to.split("/")[0]}. Move what is needed into src`;
  if (own === "roles" && folder === "roles" && roleOf(from) !== roleOf(to)) return "roles never import another role. Move what both need into http or a domain";
  const composer = composers[to];
  if (composer !== undefined) return composer.importedFrom.includes(own ?? "") ? undefined : `${to} puts the house together. Take what is needed as an argument`;
  if (folder === undefined) return undefined;
  if (mayImport(from, folder)) return undefined;
  return `${own ?? "the top of src"} stands to the left of ${folder}. Let ${folder} call it, or move what both need further left`;
}

interface PackageRule {
  readonly packages: RegExp;
  /** Where a value may be imported. */
  readonly files: RegExp;
  /** Where its types may be imported as well. */
  readonly types?: RegExp;
  readonly instead: string;
}

const packageRules: readonly PackageRule[] = [
  {
    packages: /^(?:node:)?(?:http|https|http2|dns|dgram)(?:\/.*)?$/,
    files: /^src\/network\.ts$/,
    instead: "Only network.ts opens connections for services. Take services.fetch for the operator's addresses and dial of dialler.ts for those of others",
  },
  {
    packages: /^(?:bun:sqlite|postgres|drizzle-orm\/(?:bun-sqlite|bun-sql|postgres-js|pg-core|sqlite-core)(?:\/.*)?)$/,
    files: /^src\/store\/(?:columns|migrate|backup|(?:sqlite|postgres)(?:-[a-z-]+)?)\.ts$/,
    types: /^src\/store\//,
    instead: "Only store/columns, store/sqlite, store/postgres and store/migrate know an engine. Take a Reader or a Writer",
  },
  {
    packages: /^(?:elysia(?:\/.*)?|@elysiajs\/.*)$/,
    files: /^src\/(?:http|roles)\//,
    instead: "Only http and roles know Elysia. Return a value and let the route answer",
  },
  {
    packages: /^(?:@simplewebauthn\/.*|reflect-metadata)$/,
    files: /^src\/identity\/passkeys\/verification\.ts$/,
    instead: "Only identity/passkeys/verification knows the library. Take what it verified",
  },
  {
    packages: /^uqr$/,
    files: /^src\/dashboard\//,
    instead: "Only dashboard/qr-code draws. Take its picture",
  },
  {
    packages: /^nodemailer/,
    files: /^src\/mail\//,
    instead: "Only mail knows SMTP. Take a Mailer",
  },
  {
    packages: /^@sinclair\/typebox/,
    files: /^src\/(?:http|roles)\//,
    instead: "Import typebox; the older one serves Elysia's routes",
  },
];

/** The sentence that says why a file of `src` may not import a package, or undefined. */
export function packageBreachOf(from: string, { specifier, isType }: Import): string | undefined {
  const rule = packageRules.find(({ packages }) => packages.test(specifier));
  if (rule === undefined || rule.files.test(from) || (isType && rule.types?.test(from) === true)) return undefined;
  return `${specifier} is not for here. ${rule.instead}`;
}

/** `a → b → a` for each ring of files that run each other, found once. Types run nothing. */
export function ringsOf(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const rings: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) rings.push([...trail.slice(at), path].join(" → "));
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return rings;
}

/** Every file that can be reached from `entries`. */
export function reachableFrom(graph: ReadonlyMap<string, readonly string[]>, entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...(graph.get(path) ?? []));
  }
  return reached;
}
