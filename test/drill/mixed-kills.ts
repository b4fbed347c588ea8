/**
 * Mixed load under SIGKILL: keys, webhooks, invitations, teams, files, sessions and tasks are made and ended over real sockets while the
 * audit log is read, and the compiled server is killed at random moments, some while it starts. After each kill it has to open clean, with all
 * that it acknowledged: what was made is there, what was ended stays ended, a repeated submission is the same task.
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { run } from "../support/executable.ts";
import { administrator, signIn } from "../support/workshop.ts";
import { type Field, openField } from "./field.ts";
import { below, seeded } from "./license-fuzz.ts";
import { type Caller, type Kind, kindsFor, Lost, readAudit, renameTeam, teamNumber, type Thing } from "./mixed-load.ts";
import type { DrillReport } from "./report.ts";

/** Kills of the long form. */
export const rounds = 200;
const SEED = 8;
const WORKERS = 2;
/** So many of a kind live at once, about; quotas are above it. */
const LIVE_MAX = 4;
/** Acknowledgements that are waited for before a kill, and turns of the event loop after them; each round draws its own. */
const ACKNOWLEDGED_MAX = 120;
const TURNS_MAX = 40;
/** Every so many kills comes one more while it starts, after one of so many lines of its log. */
const START_KILL_EVERY = 5;
const START_LINES = 8;
const AUDIT_EVERY = 20;
const VIOLATIONS_KEPT = 50;

/** What was acknowledged of one kind. */
interface Ledger {
  readonly kind: Kind;
  readonly present: Map<string, Thing>;
  readonly gone: Map<string, Thing>;
  /** Touched since the last look. */
  readonly recent: Set<string>;
  /** Numbers of attempts that are repeated until they are answered. */
  readonly open: Set<number>;
}

interface Play {
  readonly field: Field;
  readonly ledgers: readonly Ledger[];
  readonly key: string;
  readonly random: () => number;
  readonly violations: string[];
  /** Rows from before the load. */
  readonly first: ReadonlySet<string>;
  readonly counts: { acknowledged: number; lost: number; startKills: number; audits: number; numbers: number };
  readonly name: { acknowledged: number; sent: number };
  /** Is told once so much was acknowledged. */
  awaited: { readonly count: number; readonly resolve: () => void } | undefined;
}

function acknowledge({ counts, awaited }: Play): void {
  counts.acknowledged += 1;
  if (awaited !== undefined && counts.acknowledged >= awaited.count) awaited.resolve();
}

const newLedger = (kind: Kind): Ledger => ({ kind, present: new Map(), gone: new Map(), recent: new Set(), open: new Set() });

async function callerOf({ field, key }: Play): Promise<Caller> {
  const { token } = await signIn(field.server);
  return { api: field.api, token, teamId: field.administrator.teamId, key };
}

async function make(play: Play, { kind, present, recent, open }: Ledger, { caller, number }: { readonly caller: Caller; readonly number: number }): Promise<void> {
  if (kind.isRepeatable === true) open.add(number);
  const thing = await kind.make(caller, number);
  open.delete(number);
  present.set(thing.id, thing);
  recent.add(thing.id);
  acknowledge(play);
}

/** Ends the oldest. What becomes of it if no answer comes is not known. */
async function unmake(play: Play, { kind, present, gone, recent }: Ledger, caller: Caller): Promise<void> {
  const [oldest] = present.values();
  if (oldest === undefined) return;
  present.delete(oldest.id);
  await kind.unmake?.(caller, oldest);
  gone.set(oldest.id, oldest);
  recent.add(oldest.id);
  acknowledge(play);
}

async function step(play: Play, ledger: Ledger, caller: Caller): Promise<void> {
  const isFull = ledger.kind.unmake !== undefined && ledger.present.size > below(play.random, LIVE_MAX);
  play.counts.numbers += 1;
  await (isFull ? unmake(play, ledger, caller) : make(play, ledger, { caller, number: play.counts.numbers }));
}

async function rename(play: Play, caller: Caller): Promise<void> {
  const number = (play.name.sent += 1);
  await renameTeam(caller, number);
  play.name.acknowledged = number;
  acknowledge(play);
}

/** Does it until the server is dead. What is refused while it lives is a broken promise. */
async function repeat(play: Play, isOver: () => boolean, deed: () => Promise<void>): Promise<void> {
  while (!isOver()) {
    try {
      await deed();
    } catch (error) {
      if (!(error instanceof Lost)) play.violations.push(error instanceof Error ? error.message : String(error));
      play.counts.lost += 1;
      if (isOver()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** All of it at once, until so much was acknowledged; then the kill, under whatever is in flight. */
async function loadAndKill(play: Play): Promise<void> {
  const caller = await callerOf(play);
  const { counts, random, field, ledgers } = play;
  const wanted = counts.acknowledged + 1 + below(random, ACKNOWLEDGED_MAX);
  let isOver = false;
  const isDone = () => isOver;
  const workers = [
    ...ledgers.flatMap((ledger) => Array.from({ length: WORKERS }, () => repeat(play, isDone, () => step(play, ledger, caller)))),
    repeat(play, isDone, () => rename(play, caller)),
    repeat(play, isDone, () => readAudit(caller)),
  ];
  await new Promise<void>((resolve) => (play.awaited = { count: wanted, resolve }));
  for (let turns = below(random, TURNS_MAX); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  isOver = true;
  await field.killServer();
  await Promise.all(workers);
}

async function restart({ field, counts, random }: Play, round: number): Promise<void> {
  if (round % START_KILL_EVERY === 0) {
    await field.killStart(1 + below(random, START_LINES));
    counts.startKills += 1;
  }
  await field.startServer();
}

/** Past the server: the engine's own checks, and every id that was ever acknowledged. */
function inspect({ field, ledgers, first, violations }: Play): readonly { readonly ledger: Ledger; readonly unclaimed: readonly string[] }[] {
  using store = new Database(join(field.server.dataDir, "cyberun.db"), { readonly: true });
  const ids = (sql: string) => new Set(store.prepare<{ id: string }, []>(sql).all().map(({ id }) => id));
  const integrity = store.prepare<{ integrity_check: string }, []>("pragma integrity_check").all().map((row) => row.integrity_check);
  if (integrity.join() !== "ok") violations.push(`integrity_check says ${integrity.join("; ")}`);
  const orphans = store.prepare("pragma foreign_key_check").all();
  if (orphans.length > 0) violations.push(`foreign_key_check says ${JSON.stringify(orphans)}`);
  const told = ids("select distinct subject as id from audit");
  return ledgers.map((ledger) => {
    const { kind, present, gone } = ledger;
    const [kept, live] = [ids(kind.kept), ids(kind.live)];
    const named = new Set(["credential", "webhook", "invitation", "team", "task"]).has(kind.name);
    for (const id of present.keys()) if (!kept.has(id)) violations.push(`${kind.name} ${id} was acknowledged and is missing`);
    for (const id of gone.keys()) if (live.has(id)) violations.push(`${kind.name} ${id} was ended and is back`);
    for (const id of [...present.keys(), ...gone.keys()]) if (named && !told.has(`${kind.name}:${id}`)) violations.push(`${kind.name} ${id} is not in the audit log`);
    return { ledger, unclaimed: [...live].filter((id) => !first.has(id) && !present.has(id)) };
  });
}

/** Through the API: whether it is what was acknowledged. */
async function look({ violations }: Play, { kind, present, gone }: Ledger, { caller, ids }: { readonly caller: Caller; readonly ids: Iterable<string> }): Promise<void> {
  for (const id of ids) {
    const [there, over] = [present.get(id), gone.get(id)];
    if (there !== undefined && !(await kind.isThere(caller, there))) violations.push(`${kind.name} ${id} was acknowledged and is refused`);
    if (over !== undefined && !(await kind.isGone(caller, over))) violations.push(`${kind.name} ${id} was ended and is effective`);
  }
}

/** After a start: lost submissions are repeated, all is looked at, and what nobody was told of is removed so that no quota fills. */
async function judge(play: Play): Promise<void> {
  const caller = await callerOf(play);
  for (const ledger of play.ledgers) for (const number of ledger.open) await make(play, ledger, { caller, number });
  for (const { ledger, unclaimed } of inspect(play)) {
    const { kind, recent } = ledger;
    await look(play, ledger, { caller, ids: recent });
    recent.clear();
    if (kind.isRepeatable === true || kind.name === "session") continue;
    for (const id of unclaimed) await kind.unmake?.(caller, { id, proof: "" });
  }
  const { acknowledged, sent } = play.name;
  const shown = await teamNumber(caller);
  if (shown < acknowledged || shown > sent) play.violations.push(`the team's name ${acknowledged} was acknowledged and it is ${shown}`);
}

async function verifyAudit({ field, violations, counts }: Play): Promise<void> {
  counts.audits += 1;
  const { exitCode, stdout, stderr } = await run(["audit", "verify"], { executable: field.executable, dataDir: field.server.dataDir });
  if (exitCode !== 0) violations.push(`audit verify ended with ${exitCode}: ${stdout}${stderr}`);
}

/** No submission was made twice, and all that lives still shows itself. */
async function judgeAll(play: Play): Promise<void> {
  const caller = await callerOf(play);
  for (const ledger of play.ledgers) await look(play, ledger, { caller, ids: [...ledger.present.keys(), ...ledger.gone.keys()] });
  using store = new Database(join(play.field.server.dataDir, "cyberun.db"), { readonly: true });
  const doubled = store.prepare<{ id: string }, []>("select id from tasks").all().length - play.counts.numbers;
  if (doubled > 0) play.violations.push(`${doubled} more tasks than were asked for`);
  await verifyAudit(play);
}

function everyId({ server }: Field, kinds: readonly Kind[]): ReadonlySet<string> {
  using store = new Database(join(server.dataDir, "cyberun.db"), { readonly: true });
  return new Set(kinds.flatMap(({ kept }) => store.prepare<{ id: string }, []>(kept).all().map(({ id }) => id)));
}

export async function drill(kills: number): Promise<DrillReport> {
  await using field = await openField({ agents: 1, capacity: 4, command: "true" });
  const key = await field.createKey();
  const kinds = kindsFor({ email_address: administrator.email_address, user_password: administrator.user_password });
  const play: Play = { field, key, ledgers: kinds.map(newLedger), random: seeded(SEED), violations: [], first: everyId(field, kinds), counts: { acknowledged: 0, lost: 0, startKills: 0, audits: 0, numbers: 0 }, name: { acknowledged: 0, sent: 0 }, awaited: undefined };
  for (let round = 1; round <= kills && play.violations.length < VIOLATIONS_KEPT; round += 1) {
    await loadAndKill(play);
    await restart(play, round);
    await judge(play);
    if (round % AUDIT_EVERY === 0) await verifyAudit(play);
  }
  await judgeAll(play);
  const { acknowledged, lost, startKills, audits } = play.counts;
  const byKind = play.ledgers.map(({ kind, present, gone }) => `${kind.name} ${present.size} there, ${gone.size} ended`);
  return { name: "mixed load under kill -9", rounds: kills, violations: play.violations, facts: { seed: SEED, acknowledged, unanswered: lost, kills_while_starting: startKills, audits_verified: audits, renamed: play.name.acknowledged, ledger: byKind.join("; ") } };
}
