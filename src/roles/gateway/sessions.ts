/**
 * The sessions of this gateway: hello and welcome, resuming, one agent of a name, and the end of what is silent.
 *
 * Rule: decides by what operations answer. A name that is taken here is fought for by a challenge: the older connection keeps
 * it when it answers, otherwise the newer one gets it. Never does one push out the other unseen.
 */
import { connectAgent, disconnectAgents, noteHeartbeats } from "../../agents/connections.ts";
import { type GatewayFrame, type Hello, PROTOCOL } from "../../agents/frames.ts";
import { Fault } from "../../fault.ts";
import { system, type TeamCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { Log } from "../../log.ts";
import { acceptTask, forsakeAttempts, LEASE_MS, resumeAttempt } from "../../tasks/attempts.ts";
import type { Bell } from "../../tasks/bell.ts";
import type { PlaceList } from "../../tasks/dispatch.ts";
import type { Place } from "../../tasks/turns.ts";
import { type Attempt, findStale } from "../../tasks/waiting.ts";
import { version } from "../../version.ts";
import { type CloseCode, closeCodes } from "./close-codes.ts";
import { type Link, Session, type SessionParts } from "./session.ts";

/** Each side pings the other so often. */
export const PING_SECONDS = 10;
/** A side that was not heard of for two pings is dead. */
export const SILENCE_MS_MAX = 2 * PING_SECONDS * 1_000;
/** A session whose socket is gone can be resumed for so long. */
export const RESUME_MS = 30_000;
/** An older connection of the same name answers the challenge within it, or is replaced. */
export const CHALLENGE_MS = 3_000;
/** Sessions and attempts that one statement is about. */
const BATCH_MAX = 200;

export interface SessionsParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly bell: Bell;
  readonly gatewayId: string;
  /** Called when a session is over. */
  onOver(session: Session): void;
}

/** A socket whose agent is saying hello. */
export interface Greeted {
  readonly link: Link;
  readonly caller: TeamCaller;
  readonly hello: Hello;
  /** Whether the socket is still open. */
  isOpen(): boolean;
}

function nameOf({ caller, hello }: Pick<Session, "caller" | "hello">): string {
  return `${caller.teamId}/${hello.agent_id}`;
}

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += BATCH_MAX) yield all.slice(at, at + BATCH_MAX);
}

export class Sessions implements PlaceList {
  readonly #parts: SessionsParts;
  readonly #sessions = new Map<string, Session>();
  /** The same by team. */
  readonly #teams = new Map<string, Set<Session>>();
  /** The same by team and name; more than one only while one takes another's place. */
  readonly #names = new Map<string, Set<Session>>();
  /** Those that hold an attempt, and some that did when they were last looked at: of ten thousand few do. */
  readonly #holding = new Set<Session>();
  readonly #heard = new Map<string, () => void>();
  /** Sessions whose agent is being taken out of the pool: it is not put in again before. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return [...this.#sessions.values()].filter(({ isAttached }) => isAttached).length;
  }

  get isEmpty(): boolean {
    return this.#sessions.size === 0;
  }

  /** The connected agent of the name; undefined when it is not connected here. */
  find(teamId: string, agentId: string): Session | undefined {
    return [...(this.#names.get(`${teamId}/${agentId}`) ?? [])].find(({ isAttached }) => isAttached);
  }

  findById(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Agents that were told of tunnels which lead to them. */
  told(): readonly Session[] {
    return [...this.#sessions.values()].filter(({ hasTunnels }) => hasTunnels);
  }

  /** Agents that lend themselves to services. */
  lending(): readonly Session[] {
    return [...this.#sessions.values()].filter(({ isAttached, hello }) => isAttached && hello.services !== undefined);
  }

  teams(): readonly string[] {
    return [...this.#teams.keys()];
  }

  placesOf(teamId: string): Iterable<Place> {
    return this.#teams.get(teamId) ?? [];
  }

  #keep(session: Session): void {
    this.#sessions.set(session.id, session);
    for (const [index, key] of this.#indexesOf(session)) index.set(key, (index.get(key) ?? new Set()).add(session));
  }

  /** False when it is not there. */
  #forget(session: Session): boolean {
    if (this.#sessions.get(session.id) !== session) return false;
    this.#sessions.delete(session.id);
    this.#holding.delete(session);
    for (const [index, key] of this.#indexesOf(session)) {
      const kept = index.get(key);
      kept?.delete(session);
      if (kept?.size === 0) index.delete(key);
    }
    this.#parts.onOver(session);
    return true;
  }

  #indexesOf(session: Session): readonly (readonly [Map<string, Set<Session>>, string])[] {
    return [
      [this.#teams, session.caller.teamId],
      [this.#names, nameOf(session)],
    ];
  }

  /** Attempts that were cancelled, ended or given to others meanwhile. */
  async reviewHolds(): Promise<void> {
    const attempts: Attempt[] = [];
    for (const session of this.#holding) {
      if (session.isHolding) attempts.push(...session.attempts);
      else this.#holding.delete(session);
    }
    for (const batch of batches(attempts)) {
      const stale = await this.#parts.gate.store.read((reader) => findStale(reader, batch));
      for (const each of stale) this.#sessions.get(each.sessionId)?.stop(each, each.isCancelled ? "cancelled" : "stale");
    }
  }

  /** Something came over the session's socket. */
  note(session: Session): void {
    this.#heard.get(session.id)?.();
    session.renew();
  }

  /** The session that the socket belongs to from now on; undefined when it was refused, and is closed. */
  async greet(greeted: Greeted): Promise<Session | undefined> {
    const { hello, link } = greeted;
    if (hello.protocol !== PROTOCOL) return refuse(link, closeCodes.protocol, { code: "invalid_request", message: `This gateway speaks protocol ${PROTOCOL}, and the agent ${hello.protocol}.` });
    const rival = this.#findRival(greeted);
    if (rival !== undefined && !(await this.#giveWay(rival))) {
      this.#parts.log.write("warn", "agent.duplicate_refused", { agent_id: hello.agent_id, team_id: greeted.caller.teamId });
      return refuse(link, closeCodes.duplicate, { code: "conflict", message: `An agent called ${hello.agent_id} is connected to the team and answers.` });
    }
    try {
      const session = (await this.#resume(greeted)) ?? (await this.#begin(greeted));
      this.#parts.bell.ring();
      return session;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const code: CloseCode = error.code === "quota_exceeded" ? closeCodes.quota : error.code === "conflict" ? closeCodes.duplicate : closeCodes.license;
      return refuse(link, code, error);
    }
  }

  /** The socket of the session is gone; the agent may come back for it. */
  async leave(session: Session, link: Link): Promise<void> {
    if (!session.detach(link) || this.#sessions.get(session.id) !== session) return;
    const leaving = disconnectAgents(this.#parts.gate, system, { sessionIds: [session.id] }).finally(() => this.#leaving.delete(session.id));
    this.#leaving.set(session.id, leaving);
    await leaving;
    this.#parts.bell.ring();
  }

  /** The session is over: its agent has to compare what it holds. Its attempts go elsewhere when their leases end. */
  async drop(session: Session): Promise<void> {
    session.end();
    if (!this.#forget(session)) return;
    await disconnectAgents(this.#parts.gate, system, { sessionIds: [session.id] });
  }

  /** The store may still be what failed: then the agent is forgotten when it was not heard of for long enough. */
  #dropFailed(session: Session): void {
    this.drop(session).catch((error: unknown) => this.#parts.log.write("warn", "agent.not_dropped", { session_id: session.id, error }));
  }

  /** Forgets what was not resumed in time, and notes who was heard of. */
  async tend(heard: readonly Session[]): Promise<void> {
    const now = this.#parts.gate.services.clock.monotonic();
    for (const session of this.#sessions.values()) if (!session.isAttached && now - session.detachedAtMs >= RESUME_MS) await this.drop(session);
    for (const batch of heard.length === 0 ? [[]] : batches(heard)) {
      const gone = await noteHeartbeats(this.#parts.gate, system, { sessionIds: batch.map(({ id }) => id) });
      for (const id of gone) this.#replaceElsewhere(id);
    }
  }

  /** Tells all agents that the gateway stops, takes what they have said already, and takes them out of the pool. */
  async stop(adviceMs: number): Promise<void> {
    const all = [...this.#sessions.values()];
    for (const session of all) session.send({ type: "reconnect", after_ms: adviceMs });
    await Promise.all(all.map((session) => session.whenTaken()));
    for (const session of all) {
      session.end();
      session.close(closeCodes.stopping, "the gateway stops");
    }
    for (const session of all) this.#forget(session);
    for (const batch of batches(all)) await disconnectAgents(this.#parts.gate, system, { sessionIds: batch.map(({ id }) => id) });
  }

  /** Its agent was taken in by another gateway, or was not heard of here for too long. */
  #replaceElsewhere(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined || !session.isAttached) return;
    session.end();
    this.#forget(session);
    session.close(closeCodes.replaced, "the agent is connected elsewhere");
  }

  #findRival({ caller, hello }: Greeted): Session | undefined {
    const own = [hello.resume?.session_id, hello.replaces];
    return [...(this.#names.get(nameOf({ caller, hello })) ?? [])].find((session) => !own.includes(session.id));
  }

  /** True when the older session is gone now. */
  async #giveWay(older: Session): Promise<boolean> {
    if (older.isAttached && (await this.#answers(older))) return false;
    this.#parts.log.write("warn", "agent.replaced", { agent_id: older.hello.agent_id, team_id: older.caller.teamId, session_id: older.id });
    older.close(closeCodes.replaced, "a newer connection of the same agent took this one's place");
    await this.drop(older);
    return true;
  }

  async #answers(session: Session): Promise<boolean> {
    const answered = Promise.withResolvers<boolean>();
    const cancel = this.#parts.gate.services.clock.after(CHALLENGE_MS, () => answered.resolve(false));
    this.#heard.set(session.id, () => answered.resolve(true));
    session.ping(0);
    const isAlive = await answered.promise;
    cancel();
    this.#heard.delete(session.id);
    return isAlive;
  }

  /** Goes on with the session that the agent names, if it is here, its own, and nothing of it was forgotten. */
  async #resume({ hello, caller, link, isOpen }: Greeted): Promise<Session | undefined> {
    const session = hello.resume === undefined ? undefined : this.#sessions.get(hello.resume.session_id);
    if (hello.resume === undefined || session === undefined) return undefined;
    if (session.caller.credentialId !== caller.credentialId || session.hello.agent_id !== hello.agent_id) return undefined;
    session.close(closeCodes.replaced, "the agent came back on a new connection");
    await this.#leaving.get(session.id);
    await connectAgent(this.#parts.gate, caller, { hello: session.hello, sessionId: session.id, gatewayId: this.#parts.gatewayId, replaces: session.id });
    if (!isOpen() || this.#sessions.get(session.id) !== session) return undefined;
    if (session.attach(link, hello.resume.ack, this.#welcome(session, { resumed: true, keep: [], stop: [] }))) return session;
    await this.drop(session);
    return undefined;
  }

  #welcome(session: Session, state: Pick<Extract<GatewayFrame, { type: "welcome" }>, "resumed" | "keep" | "stop">): GatewayFrame {
    return { type: "welcome", protocol: PROTOCOL, session_id: session.id, server_version: version, ping_seconds: PING_SECONDS, lease_seconds: LEASE_MS / 1_000, ack: session.received, ...state };
  }

  /** A new session: what the agent holds is compared with what it should hold. */
  async #begin({ hello, caller, link, isOpen }: Greeted): Promise<Session | undefined> {
    const { gate, gatewayId } = this.#parts;
    const parts: SessionParts = { ...this.#parts, onHold: (holding) => this.#holding.add(holding), onFailed: (failed) => this.#dropFailed(failed) };
    const session = new Session(parts, { id: gate.services.random.uuid(), caller, hello });
    const replaces = hello.resume?.session_id ?? hello.replaces;
    const former = replaces === undefined ? undefined : this.#sessions.get(replaces);
    if (former !== undefined && former.caller.teamId === caller.teamId && former.hello.agent_id === hello.agent_id) {
      await former.whenTaken();
      former.end();
      former.close(closeCodes.replaced, "the agent came back on a new connection");
      this.#forget(former);
    }
    await connectAgent(gate, caller, { hello, sessionId: session.id, gatewayId, replaces });
    this.#keep(session);
    const keep = await this.#compare(session);
    if (!isOpen()) return void (await this.drop(session));
    const kept = new Set(keep.map(({ task_id }) => task_id));
    const stop = hello.holds.filter(({ task_id }) => !kept.has(task_id)).map(({ task_id, attempt }) => ({ task_id, attempt }));
    session.attach(link, 0, this.#welcome(session, { resumed: false, keep, stop }));
    this.#parts.log.write("info", "agent.connected", { agent_id: hello.agent_id, team_id: caller.teamId, session_id: session.id, kept: keep.length, stopped: stop.length });
    return session;
  }

  async #compare(session: Session) {
    const { gate } = this.#parts;
    const { teamId, agentId, sessionId } = session.claimant;
    const keep: { task_id: string; attempt: number; log_offset: number }[] = [];
    for (const { task_id, attempt } of session.hello.holds) {
      const held: Attempt = { taskId: task_id, attempt, sessionId };
      const resumed = await resumeAttempt(gate, system, { ...held, teamId, agentId });
      if (resumed === undefined) continue;
      // Its acceptance may have been lost on the way; that it holds the attempt says the same.
      await acceptTask(gate, system, held);
      session.hold(held);
      keep.push({ task_id, attempt, log_offset: resumed.logBytes });
    }
    await forsakeAttempts(gate, system, { teamId, agentId, sessionId });
    return keep;
  }
}

function refuse(link: Link, closeCode: CloseCode, { code: error_code, message: error_message }: Pick<Fault, "code" | "message">): undefined {
  link.send({ type: "error", error_code, error_message: error_message.slice(0, 500) });
  link.close(closeCode, error_message.slice(0, 100));
}
