/**
 * The agent's way to its gateway: dials, says hello, goes on with its session after a cut, and dials again for ever.
 *
 *     dial → hello → welcome: resumed, what was not acknowledged is sent again; or anew, what is held is compared
 *
 * Rule: knows frames and numbers; what words mean is the agent's. A link on which nothing comes is dead, whatever TCP says.
 */
import { type AgentFrame, type AgentWord, type GatewayFrame, gatewayFrameShape, type Hello, type NumberedGatewayFrame } from "../agents/frames.ts";
import { Wire } from "../agents/wire.ts";
import { findJson } from "../json.ts";
import type { Log } from "../log.ts";
import type { Cancel, Services } from "../services.ts";
import type { AgentSocket, Dial } from "./socket.ts";

const PING_MS = 10_000;
/** Nothing came for two pings, and a little longer. */
export const SILENCE_MS_MAX = 22_000;
/** From dialling to the welcome. */
const GREETING_MS_MAX = 20_000;
const WINDOW_MS_MIN = 1_000;
const WINDOW_MS_MAX = 64_000;
/** While it holds attempts it has to be back before their leases of 30 seconds end. */
const HOLDING_WINDOW_MS_MAX = 8_000;
/** A connection that held for so long begins with the shortest wait again. */
const STABLE_MS = 60_000;
/** The gateway cuts who sends more than twice as many. */
const FRAMES_PER_SECOND_MAX = 1_000;
/** Words that may wait for an acknowledgement before no more are said. */
const UNACKNOWLEDGED_MAX = 512;

export type Welcome = Extract<GatewayFrame, { readonly type: "welcome" }>;

export interface LinkOwner {
  /** What the agent says of itself, and what it holds. */
  hello(): Omit<Hello, "resume" | "replaces">;
  /** A new session: what was said in the one before and not acknowledged is lost. */
  onSession(welcome: Welcome): void;
  /** The connection is up, with the session before or a new one. */
  onAttached(): void;
  onWord(frame: NumberedGatewayFrame): void;
}

export interface LinkParts {
  readonly services: Services;
  readonly log: Log;
  readonly dial: Dial;
  readonly owner: LinkOwner;
  /** The session of the agent's earlier life. */
  readonly formerSession: string | undefined;
}

export interface LinkState {
  readonly state: "connecting" | "greeting" | "attached" | "waiting" | "stopped";
  readonly session_id: string | undefined;
  readonly last_close: string | undefined;
}

export class Link {
  readonly #parts: LinkParts;
  #state: LinkState["state"] = "waiting";
  #socket: AgentSocket | undefined;
  #wire: Wire<AgentWord> | undefined;
  #sessionId: string | undefined;
  #lastClose: string | undefined;
  #windowMs = WINDOW_MS_MIN;
  #adviceMs: number | undefined;
  #dialledAtMs = 0;
  #heardAtMs = 0;
  #pingedAtMs = 0;
  #pings = 0;
  #secondSinceMs = 0;
  #frames = 0;
  #redial: Cancel | undefined;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#sessionId = parts.formerSession;
  }

  get status(): LinkState {
    return { state: this.#state, session_id: this.#sessionId, last_close: this.#lastClose };
  }

  get isAttached(): boolean {
    return this.#state === "attached";
  }

  /** Whether another word may be said now, of those that can wait. */
  get hasRoom(): boolean {
    return this.isAttached && (this.#wire?.unacknowledged ?? 0) < UNACKNOWLEDGED_MAX && this.#framesOfSecond() < FRAMES_PER_SECOND_MAX;
  }

  start(): void {
    this.#dial();
  }

  /** Says a word: it comes, however often the link is cut, or the session ends. */
  say(word: AgentWord): void {
    if (this.#wire !== undefined) this.#send(this.#wire.send(word));
  }

  /** Called every second. */
  tick(): void {
    const now = this.#now();
    if (this.#state === "attached" && now - this.#heardAtMs >= SILENCE_MS_MAX) return this.#cut("nothing was heard of the gateway for too long");
    if ((this.#state === "connecting" || this.#state === "greeting") && now - this.#dialledAtMs >= GREETING_MS_MAX) return this.#cut("the gateway did not answer");
    if (this.#state !== "attached" || now - this.#pingedAtMs < PING_MS) return;
    this.#pingedAtMs = now;
    this.#send({ type: "ping", sequence: (this.#pings += 1), ack: this.#wire?.received ?? 0 });
  }

  /** Leaves for good. */
  stop(): void {
    const socket = this.#socket;
    this.#redial?.();
    this.#state = "stopped";
    this.#socket = undefined;
    socket?.close();
  }

  #now(): number {
    return this.#parts.services.clock.monotonic();
  }

  #framesOfSecond(): number {
    const now = this.#now();
    if (now - this.#secondSinceMs >= 1_000) {
      this.#secondSinceMs = now;
      this.#frames = 0;
    }
    return this.#frames;
  }

  #send(frame: AgentFrame): void {
    this.#framesOfSecond();
    this.#frames += 1;
    if (this.#state === "attached" || frame.type === "hello") this.#socket?.send(JSON.stringify(frame));
  }

  #dial(): void {
    this.#state = "connecting";
    this.#dialledAtMs = this.#now();
    const socket: AgentSocket = this.#parts.dial({
      onOpen: () => this.#ifCurrent(socket, () => this.#greet()),
      onText: (text) => this.#ifCurrent(socket, () => this.#take(text)),
      onClose: (code, reason) => this.#ifCurrent(socket, () => this.#closed(`${code} ${reason}`.trim())),
    });
    this.#socket = socket;
  }

  /** What an earlier socket still says is not heard. */
  #ifCurrent(socket: AgentSocket, act: () => void): void {
    if (this.#socket === socket) act();
  }

  #greet(): void {
    this.#state = "greeting";
    const session_id = this.#sessionId;
    const ack = this.#wire?.received;
    const former = session_id === undefined ? {} : ack === undefined ? { replaces: session_id } : { resume: { session_id, ack } };
    this.#send({ ...this.#parts.owner.hello(), ...former });
  }

  #take(text: string): void {
    const frame = findJson(text);
    if (!gatewayFrameShape.Check(frame)) return this.#parts.log.write("warn", "link.frame_unknown", { text: text.slice(0, 200) });
    this.#heardAtMs = this.#now();
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "ping":
        if (frame.ack !== undefined) this.#wire?.acknowledge(frame.ack);
        return this.#send({ type: "pong", sequence: frame.sequence });
      case "pong":
        return;
      case "error":
        return this.#parts.log.write("warn", "link.refused", { error_code: frame.error_code, error_message: frame.error_message });
      default:
        return this.#takeWord(frame);
    }
  }

  #takeWord(frame: NumberedGatewayFrame): void {
    const received = this.#wire?.receive(frame) ?? "broken";
    if (received === "broken") {
      this.#wire = undefined;
      return this.#cut("frames are missing");
    }
    if (received === "repeated") return;
    if (frame.type === "reconnect") this.#adviceMs = frame.after_ms;
    this.#parts.owner.onWord(frame);
  }

  #welcome(welcome: Welcome): void {
    const again = welcome.resumed ? this.#wire?.resume(welcome.ack) : undefined;
    if (welcome.resumed && again === undefined) {
      this.#wire = undefined;
      return this.#cut("the session cannot be gone on with");
    }
    this.#state = "attached";
    this.#heardAtMs = this.#now();
    this.#pingedAtMs = this.#now();
    this.#sessionId = welcome.session_id;
    if (again === undefined) {
      this.#wire = new Wire<AgentWord>();
      this.#parts.owner.onSession(welcome);
    } else for (const frame of again) this.#send(frame);
    this.#parts.log.write("info", "link.attached", { session_id: welcome.session_id, resumed: welcome.resumed });
    this.#parts.owner.onAttached();
  }

  #cut(why: string): void {
    const socket = this.#socket;
    this.#closed(why);
    socket?.terminate();
  }

  /** Waits for a random part of a window that doubles, so that a fleet does not come back in one second. */
  #closed(why: string): void {
    const { services, log } = this.#parts;
    this.#socket = undefined;
    this.#lastClose = why;
    if (this.#state === "attached" && this.#now() - this.#dialledAtMs >= STABLE_MS) this.#windowMs = WINDOW_MS_MIN;
    const fraction = services.random.fraction();
    if (this.#parts.owner.hello().holds.length > 0) this.#windowMs = Math.min(this.#windowMs, HOLDING_WINDOW_MS_MAX);
    const delayMs = Math.ceil(this.#adviceMs === undefined ? fraction * this.#windowMs : this.#adviceMs * (1 + fraction));
    if (this.#adviceMs !== undefined) this.#windowMs = WINDOW_MS_MIN;
    else this.#windowMs = Math.min(WINDOW_MS_MAX, this.#windowMs * 2);
    this.#adviceMs = undefined;
    this.#state = "waiting";
    log.write("info", "link.closed", { why, again_in_ms: delayMs });
    this.#redial = services.clock.after(delayMs, () => this.#dial());
  }
}
