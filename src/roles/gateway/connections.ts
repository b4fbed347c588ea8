/**
 * The sockets of the gateway: limits on what comes, pings, and what ends a connection.
 *
 * Rule: a frame that is not of the protocol is answered by an error and changes nothing; more of anything than a well-behaved
 * agent sends ends the connection. Until its hello is answered by a welcome, nothing else is taken from an agent.
 */
import { type AgentFrame, agentFrameShape, type GatewayFrame } from "../../agents/frames.ts";
import { type EndReason, OpenConnections } from "../../credentials/open-connections.ts";
import { assert } from "../../fault.ts";
import type { Caller, TeamCaller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { licenseStates } from "../../license/entitlements.ts";
import type { Log } from "../../log.ts";
import type { Cancel } from "../../services.ts";
import { type CloseCode, closeCodes } from "./close-codes.ts";
import type { Link, Session } from "./session.ts";
import { PING_SECONDS, type Sessions, SILENCE_MS_MAX } from "./sessions.ts";

/** Frames that one agent may send within a second. Resuming a session, it sends all that was not acknowledged at once. */
export const FRAMES_PER_SECOND_MAX = 2_000;
/** An agent has said hello and was answered within it. */
export const HELLO_MS = 10_000;
export const TICK_MS = 1_000;
const SECOND_MS = 1_000;
const PING_MS = PING_SECONDS * SECOND_MS;

const ends = {
  ended: { code: closeCodes.credential, reason: "the key is no longer good" },
  unheard: { code: closeCodes.unheard, reason: "whether the key is good cannot be found out" },
} as const satisfies Record<EndReason, { readonly code: CloseCode; readonly reason: string }>;

const notOfProtocol: GatewayFrame = { type: "error", error_code: "invalid_request", error_message: "The frame is not one of the protocol." };
const helloFirst: GatewayFrame = { type: "error", error_code: "invalid_request", error_message: "The first frame is hello; the next ones come after the welcome." };

interface Socket {
  readonly id: string;
  /** Bytes that were sent, -1 when they wait, 0 when they were dropped. */
  send(frame: object): number;
  close(code: number, reason: string): void;
}

/** One agent's socket. */
interface Connection {
  readonly socket: Socket;
  readonly caller: TeamCaller;
  readonly link: Link;
  /** Its key is not watched any more. */
  readonly forget: () => void;
  state: "waiting" | "greeting" | Session;
  readonly openedAtMs: number;
  heardAtMs: number;
  pingedAtMs: number;
  pings: number;
  secondSinceMs: number;
  frames: number;
}

/** Counts one more frame; false when it is one too many. */
function mayReceive(connection: Connection, nowMs: number): boolean {
  if (nowMs - connection.secondSinceMs >= SECOND_MS) {
    connection.secondSinceMs = nowMs;
    connection.frames = 0;
  }
  connection.frames += 1;
  return connection.frames <= FRAMES_PER_SECOND_MAX;
}

function sessionOf({ state }: Connection): Session | undefined {
  return typeof state === "string" ? undefined : state;
}

export interface ConnectionsParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly sessions: Sessions;
}

export class Connections {
  readonly #open = new Map<string, Connection>();
  readonly #gate: Gate;
  readonly #log: Log;
  readonly #keys: OpenConnections;
  readonly #sessions: Sessions;
  readonly #background = new Set<Promise<void>>();
  #cancel: Cancel | undefined;
  #tendedAtMs: number;
  #isTending = false;
  #isStopped = false;

  constructor({ gate, log, sessions }: ConnectionsParts) {
    this.#gate = gate;
    this.#log = log;
    this.#keys = new OpenConnections(gate, log);
    this.#sessions = sessions;
    this.#tendedAtMs = gate.services.clock.monotonic();
    this.#arm();
  }

  get count(): number {
    return this.#open.size;
  }

  add(socket: Socket, caller: Caller): void {
    assert(caller.kind === "agent", "only agents are let through the upgrade");
    const now = this.#gate.services.clock.monotonic();
    const link: Link = {
      send: (frame) => socket.send(frame) !== 0,
      close: (code, reason) => this.#endFor(socket.id, { code, reason }),
    };
    const forget = this.#keys.add(caller, (reason) => this.#endFor(socket.id, ends[reason]));
    this.#open.set(socket.id, { socket, caller, link, forget, state: "waiting", openedAtMs: now, heardAtMs: now, pingedAtMs: now, pings: 0, secondSinceMs: now, frames: 0 });
    if (this.#open.size === 1) this.#arm();
    this.reviewLicense();
  }

  /** The socket is closed, by whichever side. */
  remove(id: string): void {
    const connection = this.#open.get(id);
    if (connection === undefined) return;
    connection.forget();
    this.#open.delete(id);
    const session = sessionOf(connection);
    if (session !== undefined) this.#do(this.#sessions.leave(session, connection.link));
  }

  receive(id: string, frame: unknown): void {
    const connection = this.#open.get(id);
    if (connection === undefined) return;
    const now = this.#gate.services.clock.monotonic();
    if (!mayReceive(connection, now)) return this.#end(connection, closeCodes.protocol, `more than ${FRAMES_PER_SECOND_MAX} frames in a second`);
    connection.heardAtMs = now;
    if (agentFrameShape.Check(frame)) this.#take(connection, frame);
    else connection.link.send(notOfProtocol);
  }

  reviewLicense(): void {
    const { state } = this.#gate.entitled.entitlements();
    if (!licenseStates[state].open) this.#endAll(closeCodes.license, state);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    this.#endAll(closeCodes.stopping, "the gateway stops");
    await this.#keys.stop();
    await Promise.all(this.#background);
  }

  #take(connection: Connection, frame: AgentFrame): void {
    const session = sessionOf(connection);
    if (session !== undefined) return this.#takeFrom(connection, session, frame);
    if (frame.type !== "hello" || connection.state !== "waiting") return void connection.link.send(helloFirst);
    connection.state = "greeting";
    const { link, caller, socket } = connection;
    const isOpen = () => this.#open.has(socket.id);
    this.#do(
      this.#sessions.greet({ link, caller, hello: frame, isOpen }).then((greeted) => {
        if (greeted === undefined) return;
        if (isOpen()) connection.state = greeted;
        else this.#do(this.#sessions.leave(greeted, link));
      }),
      connection,
    );
  }

  #takeFrom(connection: Connection, session: Session, frame: AgentFrame): void {
    this.#sessions.note(session);
    switch (frame.type) {
      case "hello":
        return void connection.link.send(helloFirst);
      case "ping":
        if (frame.ack !== undefined) session.acknowledge(frame.ack);
        return void connection.link.send({ type: "pong", sequence: frame.sequence });
      case "pong":
        return;
      default:
        if (session.receive(frame)) return;
        this.#do(this.#sessions.drop(session));
        return this.#end(connection, closeCodes.protocol, "frames are missing, or more came than are taken; say hello anew");
    }
  }

  #endAll(code: CloseCode, reason: string): void {
    for (const connection of this.#open.values()) this.#end(connection, code, reason);
  }

  #endFor(id: string, { code, reason }: { readonly code: CloseCode; readonly reason: string }): void {
    const connection = this.#open.get(id);
    if (connection !== undefined) this.#end(connection, code, reason);
  }

  #end({ socket }: Connection, code: CloseCode, reason: string): void {
    // First, so that frames which are on their way already are not answered.
    this.remove(socket.id);
    socket.close(code, reason);
  }

  /** An idle gateway has nothing to look at each second: only sessions that may come back are tended. */
  #arm(): void {
    this.#cancel?.();
    if (this.#isStopped) return;
    this.#cancel = this.#gate.services.clock.after(this.#open.size > 0 ? TICK_MS : PING_MS, () => {
      this.#tick();
      this.#arm();
    });
  }

  #tick(): void {
    const now = this.#gate.services.clock.monotonic();
    for (const connection of this.#open.values()) this.#look(connection, now);
    if (this.#isTending || now - this.#tendedAtMs < PING_MS) return;
    this.#tendedAtMs = now;
    this.#isTending = true;
    const heard = [...this.#open.values()].flatMap((connection) => sessionOf(connection) ?? []);
    this.#do(this.#sessions.tend(heard).finally(() => (this.#isTending = false)));
  }

  #look(connection: Connection, now: number): void {
    const session = sessionOf(connection);
    if (session === undefined && now - connection.openedAtMs >= HELLO_MS) return this.#end(connection, closeCodes.silent, "no hello came");
    if (now - connection.heardAtMs >= SILENCE_MS_MAX) return this.#end(connection, closeCodes.silent, "nothing was heard for too long");
    if (session === undefined || now - connection.pingedAtMs < PING_MS) return;
    connection.pingedAtMs = now;
    session.ping(++connection.pings);
  }

  /** Work that goes on beside the sockets; what fails in it is a bug or the store, and ends the connection that it is for. */
  #do(work: Promise<unknown>, connection?: Connection): void {
    const watched: Promise<void> = work.then(
      () => void this.#background.delete(watched),
      (error: unknown) => {
        this.#background.delete(watched);
        this.#log.write("error", "gateway.failed", { error });
        if (connection !== undefined) this.#end(connection, closeCodes.failed, "the gateway could not go on; come back");
      },
    );
    this.#background.add(watched);
  }
}
