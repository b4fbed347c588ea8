/**
 * The session of one agent: what it holds, and its words in their order. It outlives the socket for a while, so that
 * a cut loses nothing.
 *
 *     link: attached ⇄ detached        word → taken once, in order → operation → answer, numbered and kept until acknowledged
 *
 * Rule: translates words into operations and decides nothing. A word that fails for a reason of ours ends the session, because
 * it was acknowledged already: both sides then compare what they hold anew.
 */
import type { AgentReport, AgentStatus, AgentWord, GatewayFrame, GatewayWord, Hello, NumberedAgentFrame } from "../../agents/frames.ts";
import { updateAgentStatus } from "../../agents/connections.ts";
import { Wire } from "../../agents/wire.ts";
import { system, type TeamCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { Log } from "../../log.ts";
import { acceptTask, appendLog, declineTask, finishTask, type Outcome, renewLeases, reportProgress } from "../../tasks/attempts.ts";
import { reportReplica } from "../../containers/replicas.ts";
import type { Bell } from "../../tasks/bell.ts";
import { type Claimed, OFFER_MS } from "../../tasks/claim.ts";
import type { Place } from "../../tasks/turns.ts";
import type { Attempt } from "../../tasks/waiting.ts";
import { type CloseCode, closeCodes } from "./close-codes.ts";

/** Words of one agent that wait to be taken. */
const WAITING_MAX = 2_048;
/** After it declined an offer, an agent is offered nothing for so long. */
const DECLINED_MS = 1_000;
/** Leases of a session are renewed no more often. */
const RENEW_MS = 5_000;

/** One socket, as a session uses it. */
export interface Link {
  /** False when the frame was dropped. */
  send(frame: GatewayFrame): boolean;
  close(code: CloseCode, reason: string): void;
}

export interface SessionParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly bell: Bell;
  readonly gatewayId: string;
  /** Called when the session holds one attempt more. */
  onHold(session: Session): void;
  /** Called when the session cannot go on. */
  onFailed(session: Session): void;
}

type Named = Pick<Attempt, "taskId" | "attempt">;
type StopReason = "cancelled" | "stale" | "timeout";

const named = ({ task_id, attempt }: { readonly task_id: string; readonly attempt: number }): Named => ({ taskId: task_id, attempt });
const wired = ({ taskId, attempt }: Named) => ({ task_id: taskId, attempt });

function outcomeOf({ outcome }: Extract<NumberedAgentFrame, { readonly type: "result" }>): Outcome {
  return outcome.kind === "completed" ? outcome : { kind: "failed", error: outcome.error, isRetryable: outcome.is_retryable };
}

export class Session implements Place {
  readonly id: string;
  readonly caller: TeamCaller;
  readonly hello: Hello;
  readonly kind: string;
  readonly #parts: SessionParts;
  readonly #wire = new Wire<GatewayWord>();
  readonly #holds = new Map<string, number>();
  #link: Link | undefined;
  #status: AgentStatus = "idle";
  #report: AgentReport = {};
  #isDraining = false;
  #isOver = false;
  /** Ids of the tunnels that the agent was told of. */
  #tunnels: readonly string[] = [];
  /** The list of services that the agent was told, as JSON. */
  #services: string | undefined;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #declinedAtMs = Number.NEGATIVE_INFINITY;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  /** Monotonic; when the socket went. */
  detachedAtMs: number;

  constructor(parts: SessionParts, { id, caller, hello }: { readonly id: string; readonly caller: TeamCaller; readonly hello: Hello }) {
    this.#parts = parts;
    this.id = id;
    this.caller = caller;
    this.hello = hello;
    this.kind = hello.labels.toSorted().join(",");
    this.detachedAtMs = parts.gate.services.clock.monotonic();
  }

  get claimant() {
    const { agent_id: agentId, labels, gpu_type: gpuType = null } = this.hello;
    return { teamId: this.caller.teamId, agentId, sessionId: this.id, gatewayId: this.#parts.gatewayId, labels, gpuType };
  }

  get isAttached(): boolean {
    return this.#link !== undefined;
  }

  get received(): number {
    return this.#wire.received;
  }

  get free(): number {
    const isFit = this.isAttached && !this.#isOver && !this.#isDraining && (this.#status === "idle" || this.#status === "busy");
    return isFit && !this.#hasDeclined() ? Math.max(0, this.hello.capacity - this.#holds.size) : 0;
  }

  #hasDeclined(): boolean {
    return this.#declinedAtMs > Number.NEGATIVE_INFINITY && this.#parts.gate.services.clock.monotonic() - this.#declinedAtMs < DECLINED_MS;
  }

  get isHolding(): boolean {
    return this.#holds.size > 0;
  }

  get attempts(): readonly Attempt[] {
    return [...this.#holds].map(([taskId, attempt]) => ({ taskId, attempt, sessionId: this.id }));
  }

  /** The socket that the session goes on with. What was not acknowledged is sent again; false when that is not kept any more. */
  attach(link: Link, ack: number, welcome: GatewayFrame): boolean {
    const again = this.#wire.resume(ack);
    if (again === undefined) return false;
    this.#link = link;
    if (!link.send(welcome)) this.#dropped(link);
    for (const frame of again) if (!link.send(frame)) this.#dropped(link);
    return true;
  }

  /** The socket is gone. False when the session has another one already. */
  detach(link: Link): boolean {
    if (this.#link !== link) return false;
    this.#link = undefined;
    this.detachedAtMs = this.#parts.gate.services.clock.monotonic();
    return true;
  }

  /** Closes the socket, if there is one. */
  close(code: CloseCode, reason: string): void {
    const link = this.#link;
    if (link === undefined) return;
    this.detach(link);
    link.close(code, reason);
  }

  /** Nothing more is taken. */
  end(): void {
    this.#isOver = true;
  }

  /** Resolves when all words that came have been taken. */
  async whenTaken(): Promise<void> {
    await this.#work;
  }

  hold({ taskId, attempt }: Named): void {
    this.#holds.set(taskId, attempt);
    this.#parts.onHold(this);
  }

  send(word: GatewayWord): void {
    const link = this.#link;
    const frame = this.#wire.send(word);
    if (link !== undefined && !link.send(frame)) this.#dropped(link);
  }

  /** Whoever closes the socket takes it away from the session. */
  #dropped(link: Link): void {
    link.close(closeCodes.unread, "what was sent was not read; resume");
  }

  ping(sequence: number): void {
    this.#link?.send({ type: "ping", sequence, ack: this.#wire.received });
  }

  offer(claimed: Claimed): void {
    this.hold(claimed);
    const { workflowSlug, workflowVersion, toolType, workflowJson, parameters, requiredModels, timeoutSeconds } = claimed;
    this.send({
      type: "offer",
      ...wired(claimed),
      workflow_slug: workflowSlug,
      workflow_version: workflowVersion,
      tool_type: toolType,
      workflow_json: workflowJson,
      parameters,
      required_models: [...requiredModels],
      timeout_seconds: timeoutSeconds,
      answer_within_ms: OFFER_MS,
    });
  }

  /** Tells the agent that the attempt is not its any more. */
  stop(attempt: Named, reason: StopReason): void {
    if (this.#holds.get(attempt.taskId) === attempt.attempt) this.#holds.delete(attempt.taskId);
    this.send({ type: "stop", ...wired(attempt), reason });
  }

  get hasTunnels(): boolean {
    return this.#tunnels.length > 0;
  }

  /** Tells the agent which tunnels lead to it, unless it knows. An agent that lets none in is told of none. */
  tellTunnels(rows: readonly { readonly id: string; readonly target_port: number; readonly tunnel_protocol: string }[]): void {
    const ids = rows.map(({ id }) => id).toSorted();
    if (this.hello.tunnel_ports === undefined || ids.join() === this.#tunnels.join()) return;
    this.#tunnels = ids;
    this.send({ type: "tunnels", open: rows.map(({ id, target_port, tunnel_protocol }) => ({ tunnel_id: id, target_port, tunnel_protocol })) });
  }

  /** Tells the agent what it shall run, unless it knows. */
  tellServices(services: Extract<GatewayWord, { readonly type: "services" }>["services"]): void {
    const told = JSON.stringify(services);
    if (told === this.#services) return;
    this.#services = told;
    this.send({ type: "services", services });
  }

  /** Takes a word of the agent. False when its number says that the two sides have lost each other. */
  receive(frame: NumberedAgentFrame): boolean {
    const received = this.#wire.receive(frame);
    if (received === "broken" || this.#waiting >= WAITING_MAX) return false;
    if (received === "repeated") return true;
    this.#waiting += 1;
    this.#work = this.#work.then(() => this.#takeNext(frame));
    return true;
  }

  acknowledge(ack: number): void {
    this.#wire.acknowledge(ack);
  }

  /** The agent was heard of: what it runs stays its. */
  renew(): void {
    const now = this.#parts.gate.services.clock.monotonic();
    if (this.#holds.size === 0 || this.#isOver || now - this.#renewedAtMs < RENEW_MS) return;
    this.#renewedAtMs = now;
    this.#work = this.#work.then(() => this.#guarded(async () => void (await renewLeases(this.#parts.gate, system, { sessionId: this.id, holds: [] }))));
  }

  async #takeNext(frame: NumberedAgentFrame): Promise<void> {
    this.#waiting -= 1;
    await this.#guarded(() => this.#take(frame));
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    try {
      await act();
    } catch (error) {
      this.#parts.log.write("error", "agent.session_failed", { agent_id: this.hello.agent_id, session_id: this.id, error });
      this.end();
      this.close(closeCodes.failed, "the gateway could not take a frame; say hello anew");
      this.#parts.onFailed(this);
    }
  }

  async #take(frame: NumberedAgentFrame): Promise<void> {
    switch (frame.type) {
      case "status":
      case "drain":
        return await this.#takeStatus(frame);
      case "accept":
        return this.#unlessStale(frame, await acceptTask(this.#parts.gate, system, this.#hold(frame)));
      case "decline":
        return await this.#takeDecline(frame);
      case "progress":
        return await this.#takeProgress(frame);
      case "log":
        return await this.#takeLog(frame);
      case "result":
        return await this.#takeResult(frame);
      case "service":
        return await this.#takeService(frame);
      default:
        return frame satisfies never;
    }
  }

  async #takeService({ service_id, replica_index, generation, state, detail }: Extract<NumberedAgentFrame, { readonly type: "service" }>): Promise<void> {
    const { teamId, agentId } = this.claimant;
    await reportReplica(this.#parts.gate, system, { teamId, agentId, serviceId: service_id, replicaIndex: replica_index, generation, state, detail: detail ?? null });
  }

  #hold(frame: Parameters<typeof named>[0]): Attempt {
    return { ...named(frame), sessionId: this.id };
  }

  #unlessStale(frame: Parameters<typeof named>[0], isHeld: boolean): void {
    if (!isHeld) this.stop(named(frame), "stale");
  }

  async #takeStatus(frame: Extract<NumberedAgentFrame, { readonly type: "status" | "drain" }>): Promise<void> {
    if (frame.type === "drain") this.#isDraining = true;
    else {
      const { type: _type, seq: _seq, ack: _ack, agent_status, ...report } = frame;
      this.#status = agent_status;
      this.#report = report;
    }
    await updateAgentStatus(this.#parts.gate, system, { sessionId: this.id, status: this.#status, isDraining: this.#isDraining, report: this.#report });
    this.#parts.bell.ring();
  }

  async #takeDecline(frame: Extract<AgentWord, { readonly type: "decline" }>): Promise<void> {
    this.#parts.log.write("info", "agent.declined", { agent_id: this.hello.agent_id, task_id: frame.task_id, reason: frame.reason });
    this.#declinedAtMs = this.#parts.gate.services.clock.monotonic();
    if (this.#holds.get(frame.task_id) === frame.attempt) this.#holds.delete(frame.task_id);
    await declineTask(this.#parts.gate, system, this.#hold(frame));
    this.#parts.bell.ring();
  }

  async #takeProgress(frame: Extract<NumberedAgentFrame, { readonly type: "progress" }>): Promise<void> {
    const { type: _type, seq: _seq, ack: _ack, task_id: _task, attempt: _attempt, ...content } = frame;
    this.#unlessStale(frame, await reportProgress(this.#parts.gate, system, { ...this.#hold(frame), content }));
  }

  async #takeLog(frame: Extract<AgentWord, { readonly type: "log" }>): Promise<void> {
    const { offset, stream, text } = frame;
    const { kind, logBytes } = await appendLog(this.#parts.gate, system, { ...this.#hold(frame), offset, stream, text, bytes: Buffer.byteLength(text) });
    if (kind === "stale") this.stop(named(frame), "stale");
    else this.send({ type: "logged", ...wired(named(frame)), offset: logBytes });
  }

  async #takeResult(frame: Extract<NumberedAgentFrame, { readonly type: "result" }>): Promise<void> {
    const isTaken = await finishTask(this.#parts.gate, system, { ...this.#hold(frame), outcome: outcomeOf(frame) });
    if (!isTaken) return this.stop(named(frame), "stale");
    this.#holds.delete(frame.task_id);
    this.send({ type: "taken", ...wired(named(frame)) });
    this.#parts.bell.ring();
  }
}
