/**
 * The data channels of this gateway's agents, one of each: asked for when somebody wants something of the agent's host, and
 * kept until the agent's session, its key or its license ends.
 *
 *     reach(session) → channel there: that one · otherwise open_channel over the session → the agent dials → attached
 *
 * Rule: sockets and waiting only. What goes over a channel is the business of who opens streams on it.
 */
import { Channel } from "../../agents/channel.ts";
import { WINDOW_BYTES } from "../../agents/channel-frames.ts";
import { OpenConnections } from "../../credentials/open-connections.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { Log } from "../../log.ts";
import type { Cancel } from "../../services.ts";
import { type CloseCode, closeCodes } from "./close-codes.ts";
import type { Session } from "./session.ts";
import { PING_SECONDS } from "./sessions.ts";

/** An agent that is asked for its channel has dialled within it. */
const DIAL_MS = 10_000;

/** A socket as the runtime hands it. */
export interface RawSocket {
  /** Bytes that were sent, -1 when they wait, 0 when they were dropped. */
  send(data: string | Uint8Array): number;
  ping(): number;
  close(code: number, reason: string): void;
  getBufferedAmount(): number;
}

/** What the runtime tells of a socket that was upgraded with this as its data. */
export interface SocketEvents {
  open(socket: RawSocket): void;
  message(socket: RawSocket, message: string | Uint8Array): void;
  drain(socket: RawSocket): void;
  close(socket: RawSocket): void;
}

interface Attached {
  readonly channel: Channel;
  close(code: CloseCode, reason: string): void;
  ping(): void;
}

export class Channels {
  readonly #gate: Gate;
  readonly #keys: OpenConnections;
  readonly #attached = new Map<string, Attached>();
  readonly #waiting = new Map<string, PromiseWithResolvers<Channel>>();
  #cancel: Cancel | undefined;

  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#keys = new OpenConnections(gate, log);
  }

  /** The agent's channel. Throws Fault `unavailable` when the agent does not open it. */
  async reach(session: Session): Promise<Channel> {
    const there = this.#attached.get(session.id);
    if (there !== undefined) return there.channel;
    const asked = this.#waiting.get(session.id) ?? this.#ask(session);
    return await asked.promise;
  }

  /** What the runtime is to do with a socket that the session's agent dialled. */
  eventsFor(session: Session, caller: Caller): SocketEvents {
    let attached: Attached | undefined;
    let forget = () => {};
    return {
      open: (socket) => {
        attached = this.#attach(session, socket);
        forget = this.#keys.add(caller, () => attached?.close(closeCodes.credential, "the key is no longer good"));
      },
      message: (_socket, message) => {
        if (typeof message !== "string") attached?.channel.receive(message);
      },
      drain: () => attached?.channel.drained(),
      close: () => {
        forget();
        attached?.channel.close();
        if (this.#attached.get(session.id) === attached) this.#attached.delete(session.id);
      },
    };
  }

  /** The session is over. */
  forget(session: Pick<Session, "id">): void {
    this.#attached.get(session.id)?.close(closeCodes.replaced, "the agent's session is over");
    this.#waiting.get(session.id)?.reject(unreached());
  }

  closeAll(code: CloseCode, reason: string): void {
    for (const each of [...this.#attached.values()]) each.close(code, reason);
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.closeAll(closeCodes.stopping, "the gateway stops");
    for (const each of this.#waiting.values()) each.reject(unreached());
    await this.#keys.stop();
  }

  #ask(session: Session): PromiseWithResolvers<Channel> {
    const asked = Promise.withResolvers<Channel>();
    this.#waiting.set(session.id, asked);
    const cancel = this.#gate.services.clock.after(DIAL_MS, () => asked.reject(unreached()));
    const done = () => {
      cancel();
      this.#waiting.delete(session.id);
    };
    asked.promise.then(done, done);
    session.send({ type: "open_channel" });
    return asked;
  }

  #attach(session: Session, socket: RawSocket): Attached {
    this.#attached.get(session.id)?.close(closeCodes.replaced, "the agent opened its channel anew");
    const output = {
      send: (frame: Uint8Array) => {
        if (socket.send(frame) === 0) socket.close(closeCodes.unread, "what was sent was not read");
      },
      hasRoom: () => socket.getBufferedAmount() < WINDOW_BYTES,
    };
    const channel = new Channel({ output, onBroken: (why) => socket.close(closeCodes.protocol, why) });
    const attached: Attached = {
      channel,
      ping: () => void socket.ping(),
      close: (code, reason) => {
        channel.close();
        socket.close(code, reason);
      },
    };
    this.#attached.set(session.id, attached);
    this.#waiting.get(session.id)?.resolve(channel);
    this.#arm();
    return attached;
  }

  /** A silent socket is cut by the runtime on either side. */
  #arm(): void {
    this.#cancel?.();
    if (this.#attached.size === 0) return;
    this.#cancel = this.#gate.services.clock.after(PING_SECONDS * 1_000, () => {
      for (const each of this.#attached.values()) each.ping();
      this.#arm();
    });
  }
}

function unreached(): Fault {
  return new Fault("unavailable", "The agent did not open a channel for data.", { hint: "Look at the agent: cyberun agent diag on its host says how it is connected.", retryAfterSeconds: 5 });
}
