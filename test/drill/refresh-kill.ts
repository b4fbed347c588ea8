/**
 * Refresh drill: honest clients refresh over a real socket, lose answers, ask several times at once, and the issuer's process is
 * killed with SIGKILL again and again in the middle of it. Inside the grace no client may be locked out, every repetition has the same
 * successor, and in the store no lineage ever has two live tokens.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { CHALLENGE, REDIRECT, VERIFIER } from "../support/code-flow.ts";
import { type IssuerSite, openIssuerSite, type RegisteredClient, signInAt } from "../support/issuer-site.ts";
import { testServices } from "../support/services.ts";
import type { DrillReport } from "./report.ts";

export interface RefreshKillReport extends DrillReport {
  readonly violations: readonly string[];
  readonly facts: { readonly schedules: number; readonly refreshes: number; readonly lostAnswers: number; readonly kills: number; readonly tooSlowToJudge: number };
}

/** Kills of the long form; each cuts through {@link LINEAGES} schedules, so it is a thousand of these. */
export const rounds = 50;
const LINEAGES = 20;
/** Answers that are waited for before a kill, at most; each round draws its own number. */
const ANSWERS_MAX = 120;
/** A little less than the grace: who was kept waiting for longer by a slow machine proves nothing. */
const JUDGED_MS = 9_000;
const AT_ONCE_MAX = 3;

type Dice = (below: number) => number;

interface Lineage {
  readonly name: number;
  /** The token that the client would use next. */
  token: string;
  /** When it was first sent, on the monotonic clock; undefined while it was not. */
  sentAtMs: number | undefined;
}

interface Field {
  readonly party: IssuerSite;
  readonly client: RegisteredClient;
  readonly roll: Dice;
  readonly violations: string[];
  readonly counts: { refreshes: number; lost: number; slow: number };
}

function post(field: Field, form: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
  const { party, client } = field;
  const authorization = `Basic ${Buffer.from(`${client.id}:${encodeURIComponent(client.secret)}`).toString("base64")}`;
  return fetch(`${party.issuer}/oauth/token`, { method: "POST", headers: { authorization }, body: new URLSearchParams(form), ...(signal === undefined ? {} : { signal }) });
}

async function textMember(response: Response, name: string): Promise<string | undefined> {
  const body: unknown = await response.json();
  const value = new Map<string, unknown>(Object.entries(typeof body === "object" && body !== null ? body : {})).get(name);
  return typeof value === "string" ? value : undefined;
}

async function openLineages(field: Field): Promise<readonly Lineage[]> {
  const { party, client } = field;
  const browser = party.browser();
  const query = { client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid offline_access", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  const lineages: Lineage[] = [];
  for (let name = 0; name < LINEAGES; name += 1) {
    const callback = await signInAt(browser, `${party.issuer}/oauth/authorize?${new URLSearchParams(query).toString()}`);
    const answer = await post(field, { grant_type: "authorization_code", code: callback.searchParams.get("code") ?? "", redirect_uri: REDIRECT, code_verifier: VERIFIER });
    lineages.push({ name, token: (await textMember(answer, "refresh_token")) ?? "", sentAtMs: undefined });
  }
  return lineages;
}

/** One request; undefined when its answer was lost, by the client's impatience or by the server's death. */
async function refreshOnce(field: Field, token: string): Promise<{ readonly status: number; readonly token: string | undefined } | undefined> {
  const abort = new AbortController();
  const isImpatient = field.roll(4) === 0;
  try {
    const asking = post(field, { grant_type: "refresh_token", refresh_token: token }, abort.signal);
    // Some turns of the loop: the request is out, and its answer may be there or not.
    for (let turn = isImpatient ? field.roll(6) : 0; turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
    if (isImpatient) abort.abort();
    const response = await asking;
    return { status: response.status, token: await textMember(response, "refresh_token") };
  } catch {
    field.counts.lost += 1;
    return undefined;
  }
}

/** The client's next use of its token, by one to three of its processes at once. */
async function step(field: Field, lineage: Lineage): Promise<void> {
  lineage.sentAtMs ??= performance.now();
  const { token, sentAtMs } = lineage;
  const answers = (await Promise.all(Array.from({ length: 1 + field.roll(AT_ONCE_MAX) }, () => refreshOnce(field, token)))).filter((answer) => answer !== undefined);
  field.counts.refreshes += answers.length;
  // While the lease is fetched after a start nothing is refused for good.
  const judged = answers.filter(({ status }) => status < 500);
  if (performance.now() - sentAtMs > JUDGED_MS) field.counts.slow += 1;
  else if (judged.some(({ status }) => status !== 200)) field.violations.push(`lineage ${lineage.name} was refused inside the grace: ${judged.map(({ status }) => status).join(", ")}`);
  const successors = new Set(judged.flatMap((answer) => answer.token ?? []));
  if (successors.size > 1) field.violations.push(`lineage ${lineage.name} got ${successors.size} successors of one token`);
  const [next] = successors;
  if (next === undefined) return;
  lineage.token = next;
  lineage.sentAtMs = undefined;
}

/** All lineages at once, until so many answers have come and the process is killed under them. */
async function disturb(field: Field, lineages: readonly Lineage[]): Promise<void> {
  const wanted = field.counts.refreshes + 1 + field.roll(ANSWERS_MAX);
  let isOver = false;
  const running = lineages.map(async (lineage) => {
    while (!isOver && field.counts.refreshes < wanted) await step(field, lineage);
  });
  await Promise.race(running);
  const restarted = field.party.killAndRestart();
  await Promise.all(running);
  isOver = true;
  await restarted;
}

/** Lineages with more than one token that was not used, straight from the file. */
function doubled(dataDir: string): readonly string[] {
  const database = new Database(join(dataDir, "cyberun.db"), { readonly: true });
  try {
    const unused = "select grant_id, count(*) as live from oidc_refresh_tokens where used_at is null group by grant_id having count(*) > 1";
    return database.prepare<{ grant_id: string; live: number }, []>(unused).all().map((row) => `grant ${row.grant_id} has ${row.live} live tokens`);
  } finally {
    database.close();
  }
}

export async function drill(count: number): Promise<RefreshKillReport> {
  const { random } = testServices({ seed: "refresh-kill" });
  const roll: Dice = (below) => Math.floor(random.fraction() * below);
  await using party = await openIssuerSite();
  const client = await party.register({ client_name: "Drill", redirect_uris: [REDIRECT], grant_types: ["authorization_code", "refresh_token"], scope: "openid offline_access" });
  const field: Field = { party, client, roll, violations: [], counts: { refreshes: 0, lost: 0, slow: 0 } };
  const lineages = await openLineages(field);
  for (let round = 0; round < count; round += 1) {
    await disturb(field, lineages);
    // Nobody is locked out: each goes on with what it has.
    await Promise.all(lineages.map((lineage) => step(field, lineage)));
    field.violations.push(...doubled(party.site.dataDir));
  }
  const { refreshes, lost, slow } = field.counts;
  const facts = { schedules: count * LINEAGES, refreshes, lostAnswers: lost, kills: count, tooSlowToJudge: slow };
  return { name: "refresh under kill -9", rounds: count, violations: field.violations, facts };
}
