/**
 * The reference agent: takes what its gateway offers, runs what its own file allows, and tells how it went.
 *
 *     offer → journal → accept → inputs → command → log, progress → outputs → result → taken → forgotten
 *
 * Rule: an attempt is on disk before it is accepted and until its result was taken. Whatever kills the agent, its next life
 * names to the gateway what it held; a command that ran meanwhile is ended and reported as failed, never run on unseen.
 */
import { PROTOCOL } from "../agents/frames.ts";
import type { AgentWord, NumberedGatewayFrame } from "../agents/frames.ts";
import { assert } from "../fault.ts";
import type { Log } from "../log.ts";
import type { Cancel, Services } from "../services.ts";
import { version } from "../version.ts";
import { AttemptFiles, hasFiles, hasOutputs, type Parameters } from "./attempt-files.ts";
import { Attempt, type Progress, type Work } from "./attempt.ts";
import { ComfyUi } from "./comfyui.ts";
import { hasGraph } from "./comfyui-run.ts";
import { HostAccess } from "./host-access.ts";
import { type AttemptState, Journal, type Outcome, startOf } from "./journal.ts";
import { Link, type Welcome } from "./link.ts";
import { commandNameOf, filesOf, membersOf, type Offer, refusalOf } from "./offers.ts";
import { RunningCommand, signalGroup } from "./running-command.ts";
import { authorizationOf, ServiceHost, serviceKindsOf } from "./service-host.ts";
import type { AgentSettings } from "./settings.ts";
import type { Dial, DialChannel } from "./socket.ts";
import { Refused, type Transfers } from "./transfers.ts";

const TICK_MS = 1_000;
/** While there is something to say: progress, and what waited for room. */
const PUMP_MS = 200;
const STATUS_TICKS = 5;
/** How long an agent that is told to stop waits for its results to be taken. */
const LEAVE_TICKS_MAX = 10;
const STOPPED = "The agent was stopped.";
const REFUSAL_CHARACTERS_MAX = 1_000;

export interface AgentParts {
  readonly services: Services;
  readonly log: Log;
  readonly settings: AgentSettings;
  readonly dial: Dial;
  readonly transfers: Transfers;
  readonly dialChannel: DialChannel;
  /** A variable of the agent's own environment. */
  variable(name: string): string | undefined;
}

/** Work that is about to begin. */
interface Start {
  readonly offer: Offer;
  /** As they are to be used: files by their paths. */
  readonly parameters: Parameters;
}

export class Agent {
  readonly #parts: AgentParts;
  readonly #journal: Journal;
  readonly #link: Link;
  readonly #access: HostAccess;
  readonly #services: ServiceHost;
  readonly #comfyUi: ComfyUi | undefined;
  readonly #held = new Map<string, Attempt>();
  readonly #left = Promise.withResolvers<void>();
  #isDraining = false;
  #isStopping = false;
  #isDead = false;
  #ticks = 0;
  #ticksLeft = LEAVE_TICKS_MAX;
  #completed = 0;
  #tick: Cancel | undefined;
  #pump: Cancel | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#journal = new Journal(parts.settings.dataDir);
    const { settings, services, log } = parts;
    const say = (word: AgentWord) => (this.#link.isAttached ? this.#link.say(word) : undefined);
    this.#services = new ServiceHost({ services, log, settings: settings.services, agentId: settings.agentId, dataDir: settings.dataDir, say, authorization: (slug) => authorizationOf(settings.services, slug) });
    this.#access = new HostAccess({ ...parts, serviceHost: this.#services });
    const { comfyUiUrl } = settings;
    this.#comfyUi = comfyUiUrl === undefined ? undefined : new ComfyUi({ services, log, url: comfyUiUrl, onHealth: () => this.#sayStatus() });
    this.#link = new Link({ ...parts, owner: this, formerSession: this.#journal.findSession() });
    for (const { folder, state } of this.#journal.load()) this.#recover(new Attempt({ taskId: state.task_id, attempt: state.attempt, folder }), state);
    this.#link.start();
    this.#arm();
  }

  /** Resolves when the agent has left: it was drained or stopped. */
  get whenLeft(): Promise<void> {
    return this.#left.promise;
  }

  /** Ends all commands, reports them as failed, and leaves. */
  stop(): void {
    this.#isStopping = true;
    this.#drain();
    for (const { work, moving } of this.#held.values()) {
      // Outputs of work that is over are sent as long as the agent waits.
      if (work === undefined) moving?.abort();
      else if (moving === undefined) work.stop(STOPPED);
    }
  }

  /** Takes nothing new, and leaves when nothing is left. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    if (this.#link.isAttached) this.#link.say({ type: "drain" });
  }

  /** Stops where it is, as a kill would: nothing is written down, told or ended any more. */
  abandon(): void {
    this.#isDead = true;
    this.#tick?.();
    this.#pump?.();
    for (const { moving } of this.#held.values()) moving?.abort();
    this.#access.close();
    this.#services.stop();
    this.#comfyUi?.stop();
    this.#link.stop();
    this.#left.resolve();
  }

  hello() {
    const { agentId, labels, capacity, tunnelPorts, services } = this.#parts.settings;
    const kinds = serviceKindsOf(services);
    return {
      type: "hello" as const,
      protocol: PROTOCOL,
      agent_id: agentId,
      agent_version: version,
      labels: [...labels],
      capacity,
      ...(this.#comfyUi === undefined ? { tool: "command" } : { tool: "comfyui", ...(this.#comfyUi.stats?.comfyui_version === undefined ? {} : { tool_version: this.#comfyUi.stats.comfyui_version }) }),
      platform_arch: `${process.platform}/${process.arch}`,
      ...(tunnelPorts.length === 0 ? {} : { tunnel_ports: [...tunnelPorts] }),
      ...(kinds.length === 0 ? {} : { services: kinds }),
      holds: [...this.#held.values()].map(({ hold }) => hold),
    };
  }

  onSession({ session_id, keep }: Welcome): void {
    this.#journal.keepSession(session_id);
    // A new session begins without tunnels; those that are open are told again.
    this.#access.takeTunnels({ open: [] });
    for (const attempt of [...this.#held.values()]) {
      const kept = keep.find((each) => each.task_id === attempt.taskId && each.attempt === attempt.attempt);
      if (kept === undefined) this.#drop(attempt, "The attempt is not this agent's any more.");
      else attempt.beginAt(kept.log_offset);
    }
    if (this.#comfyUi !== undefined) this.#sayStatus();
    if (this.#isDraining) this.#link.say({ type: "drain" });
  }

  onAttached(): void {
    this.#pumpAll();
    this.#keepStatus();
  }

  onWord(frame: NumberedGatewayFrame): void {
    if (this.#isDead) return;
    switch (frame.type) {
      case "offer":
        return this.#takeOffer(frame);
      case "logged":
        return this.#with(frame, (attempt) => {
          attempt.noted(frame.offset);
          attempt.pump(this.#link);
        });
      case "taken":
        return this.#with(frame, (attempt) => {
          this.#completed += 1;
          this.#drop(attempt, "The result was taken.");
        });
      case "stop":
        return this.#with(frame, (attempt) => this.#drop(attempt, `The gateway stopped the attempt: ${frame.reason}.`));
      case "reconnect":
        return;
      case "open_channel":
        return this.#access.openChannel(this.#link.status.session_id ?? "");
      case "services":
        return this.#services.take(frame.services);
      case "tunnels":
        this.#access.takeTunnels(frame);
        return this.#sayStatus();
      default:
        return frame satisfies never;
    }
  }

  /** Whether it takes tasks, and on what. */
  #sayStatus(): void {
    if (!this.#link.isAttached) return;
    const stats = this.#comfyUi?.stats;
    const isUnwell = this.#comfyUi !== undefined && stats === undefined;
    this.#link.say({ type: "status", agent_status: this.#access.isInUse ? "tunnel" : isUnwell ? "unhealthy" : "idle", ...(stats === undefined ? {} : { system_stats: { ...stats } }) });
  }

  #with({ task_id, attempt }: { readonly task_id: string; readonly attempt: number }, act: (attempt: Attempt) => void): void {
    const held = this.#held.get(task_id);
    if (held?.attempt === attempt) act(held);
  }

  /** An attempt of the agent's earlier life. A pid alone may be another program's by now. */
  #recover(attempt: Attempt, { process: former }: AttemptState): void {
    this.#held.set(attempt.taskId, attempt);
    if (attempt.isOver) return;
    const ended = attempt.folder.findEnded();
    if (ended !== undefined) return void this.#send(attempt, ended);
    if (this.#comfyUi !== undefined && hasGraph(attempt.folder)) return void (attempt.work = this.#startComfyUi(attempt, undefined));
    if (former !== undefined && startOf(former.pid) === former.started) signalGroup(former.pid, "SIGKILL");
    attempt.end({ kind: "failed", error: "The agent was started again while the command ran.", is_retryable: true });
  }

  #takeOffer(offer: Offer): void {
    const { task_id, attempt: number } = offer;
    const held = this.#held.get(task_id);
    if (held?.attempt === number) return this.#link.say({ type: "accept", ...held.named });
    if (held !== undefined) this.#drop(held, "The task was offered anew.");
    const running = [...this.#held.values()].filter(({ isOver }) => !isOver).length;
    if (this.#isDraining || running >= this.#parts.settings.capacity) return this.#link.say({ type: "decline", task_id, attempt: number, reason: this.#isDraining ? "draining" : "no place is free" });
    const attempt = new Attempt({ taskId: task_id, attempt: number, folder: this.#journal.open({ task_id, attempt: number }) });
    this.#held.set(task_id, attempt);
    this.#link.say({ type: "accept", ...attempt.named });
    this.#run(attempt, offer);
  }

  #run(attempt: Attempt, offer: Offer): void {
    const refusal = refusalOf(offer, this.#parts.settings);
    if (refusal !== undefined) {
      attempt.end({ kind: "failed", error: refusal, is_retryable: false });
      return attempt.pump(this.#link);
    }
    const parameters = membersOf(offer.parameters);
    if (hasFiles(parameters)) return void this.#fetch(attempt, { offer, parameters });
    this.#start(attempt, { offer, parameters });
  }

  #start(attempt: Attempt, start: Start): void {
    const { offer } = start;
    try {
      attempt.work = offer.tool_type === "comfyui" ? this.#startComfyUi(attempt, start) : this.#startCommand(attempt, start);
    } catch (error) {
      const what = offer.tool_type === "comfyui" ? "graph" : `command ${commandNameOf(offer)}`;
      this.#parts.log.write("error", "agent.not_started", { what, error });
      attempt.end({ kind: "failed", error: `The ${what} could not be started on this agent.`, is_retryable: false });
      attempt.pump(this.#link);
    }
  }

  /** What work says of itself, for as long as the agent lives. */
  #hearing(attempt: Attempt) {
    return {
      folder: attempt.folder,
      spool: attempt.spool,
      taskId: attempt.taskId,
      attempt: attempt.attempt,
      onOutput: () => this.#unlessDead(() => attempt.pump(this.#link)),
      onEnd: (outcome: Outcome) => this.#unlessDead(() => this.#workEnded(attempt, outcome)),
    };
  }

  #startCommand(attempt: Attempt, { offer, parameters }: Start): Work {
    const command = this.#parts.settings.commands.get(commandNameOf(offer));
    assert(command !== undefined, "an offer of a command that is not there was refused");
    return new RunningCommand({
      ...this.#hearing(attempt),
      clock: this.#parts.services.clock,
      command,
      parameters,
      timeoutSeconds: offer.timeout_seconds,
      variable: (each) => this.#parts.variable(each),
      onProgress: (progress) => this.#unlessDead(() => this.#noteProgress(attempt, { progress })),
    });
  }

  /** Without a start it goes on with what an earlier life has queued. */
  #startComfyUi(attempt: Attempt, start: Start | undefined): Work {
    assert(this.#comfyUi !== undefined, "an offer for a ComfyUI that is not there was refused");
    const fresh = start === undefined ? undefined : { graph: { ...membersOf(start.offer.workflow_json) }, files: filesOf(start.offer, start.parameters) };
    const onProgress = (progress: Progress) => this.#unlessDead(() => this.#noteProgress(attempt, progress));
    return this.#comfyUi.start({ ...this.#hearing(attempt), timeoutSeconds: start?.offer.timeout_seconds ?? 0, onProgress }, fresh);
  }

  /** Moves files of the attempt until that is done, or refused, or the attempt is not the agent's any more. */
  async #move<T>(attempt: Attempt, act: (files: AttemptFiles) => Promise<T>): Promise<T | Outcome> {
    const moving = new AbortController();
    attempt.moving = moving;
    const { services, transfers } = this.#parts;
    const sessionId = () => (this.#link.isAttached ? this.#link.status.session_id : undefined);
    try {
      return await act(new AttemptFiles({ ...attempt, clock: services.clock, transfers, sessionId, signal: moving.signal }));
    } catch (error) {
      if (moving.signal.aborted) return { kind: "failed", error: STOPPED, is_retryable: true };
      if (error instanceof Refused) return { kind: "failed", error: `A file was refused: ${error.message}`.slice(0, REFUSAL_CHARACTERS_MAX), is_retryable: false };
      this.#parts.log.write("error", "agent.files_failed", { ...attempt.named, error });
      return { kind: "failed", error: "The files of the attempt could not be read or written on this agent.", is_retryable: true };
    } finally {
      attempt.moving = undefined;
    }
  }

  async #fetch(attempt: Attempt, start: Start): Promise<void> {
    const fetched = await this.#move(attempt, async (files) => ({ kind: "fetched" as const, parameters: await files.fetchInputs(start.parameters) }));
    this.#unlessDead(() => {
      if (fetched.kind !== "fetched") this.#ended(attempt, fetched);
      else if (attempt.isDropped) attempt.folder.remove();
      else this.#start(attempt, { ...start, parameters: fetched.parameters });
    });
  }

  /** The outputs of work that completed come before its result. */
  #workEnded(attempt: Attempt, outcome: Outcome): void {
    const isSent = outcome.kind === "completed" && !attempt.isDropped && hasOutputs(attempt.folder);
    if (!isSent) return this.#ended(attempt, outcome);
    attempt.folder.keepEnded(outcome);
    void this.#send(attempt, outcome);
  }

  async #send(attempt: Attempt, outcome: Outcome): Promise<void> {
    const sent = await this.#move(attempt, async (files) => {
      await files.sendOutputs();
      return outcome;
    });
    this.#unlessDead(() => this.#ended(attempt, sent));
  }

  #unlessDead(act: () => void): void {
    if (!this.#isDead) act();
  }

  #noteProgress(attempt: Attempt, progress: Progress): void {
    attempt.progress = progress;
    this.#pump ??= this.#parts.services.clock.after(PUMP_MS, () => {
      this.#pump = undefined;
      this.#pumpAll();
    });
  }

  #ended(attempt: Attempt, outcome: Outcome): void {
    attempt.end(outcome);
    if (attempt.isDropped) attempt.folder.remove();
    else attempt.pump(this.#link);
  }

  /** The attempt is forgotten; its folder goes when its command has ended. */
  #drop(attempt: Attempt, why: string): void {
    attempt.isDropped = true;
    this.#held.delete(attempt.taskId);
    if (attempt.moving !== undefined) return attempt.moving.abort();
    if (attempt.isOver || attempt.work === undefined) attempt.folder.remove();
    else attempt.work.stop(why);
  }

  #pumpAll(): void {
    for (const attempt of this.#held.values()) attempt.pump(this.#link);
  }

  #arm(): void {
    this.#tick = this.#parts.services.clock.after(TICK_MS, () => {
      this.#look();
      if (!this.#isDead) this.#arm();
    });
  }

  #look(): void {
    this.#link.tick();
    this.#services.tick();
    this.#comfyUi?.tick();
    this.#pumpAll();
    if (!this.#isDraining && this.#journal.isAskedToDrain()) this.#drain();
    this.#ticks += 1;
    if (this.#ticks % STATUS_TICKS === 0) this.#keepStatus();
    if (this.#isStopping) this.#ticksLeft -= 1;
    if (this.#isDraining && (this.#held.size === 0 || this.#ticksLeft <= 0)) this.abandon();
  }

  #keepStatus(): void {
    const { agentId, gatewayUrl } = this.#parts.settings;
    this.#journal.keepStatus({
      agent_id: agentId,
      gateway_url: gatewayUrl,
      pid: process.pid,
      at: new Date(this.#parts.services.clock.now()).toISOString(),
      ...this.#link.status,
      is_draining: this.#isDraining,
      attempts: [...this.#held.values()].map((attempt) => ({ ...attempt.named, is_over: attempt.isOver, log_bytes: attempt.spool.bytes })),
      results_taken: this.#completed,
    });
  }
}
