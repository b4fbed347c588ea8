/**
 * An agent that a test speaks through, frame by frame, over a real socket.
 *
 *     const agent = await connectAgent(site, key, { capacity: 2 });
 *     const offer = await agent.take("offer");
 *     agent.say({ type: "accept", ...attemptOf(offer) });
 */
import { eventually } from "./eventually.ts";
import { bearer, type TestRoles } from "./roles.ts";

export type Frame = Readonly<Record<string, unknown>>;

export interface Ended {
  readonly code: number;
  readonly reason: string;
}

export interface SocketAgent {
  readonly frames: readonly Frame[];
  readonly ended: Promise<Ended>;
  isEnded(): boolean;
  /** Sends as it is. */
  send(frame: object): void;
  /** Numbers the frame and sends it; gives it back for those who repeat it. */
  say(frame: object): object;
  /** The next frame of the type, which is taken out. */
  take(type: string): Promise<Frame>;
  /** The last sequence that was received. */
  received(): number;
  close(): void;
}

export interface Hello {
  readonly agent_id?: string;
  readonly labels?: readonly string[];
  readonly capacity?: number;
  readonly holds?: readonly object[];
  readonly resume?: object;
  readonly replaces?: string;
  readonly protocol?: number;
  readonly tunnel_ports?: readonly number[];
}

export function attemptOf({ task_id, attempt }: Frame): { readonly task_id: unknown; readonly attempt: unknown } {
  return { task_id, attempt };
}

/** Dials; says nothing yet. `from` goes on with the numbers of an earlier connection. */
export async function dialAgent({ urls }: Pick<TestRoles, "urls">, rawKey: string, from?: SocketAgent & { readonly sent: () => number }): Promise<SocketAgent & { readonly sent: () => number }> {
  const socket = new WebSocket(`${urls.gateway.replace("http", "ws")}/v1/connect`, { headers: bearer(rawKey) });
  const frames: Frame[] = [];
  let sent = from?.sent() ?? 0;
  let received = from?.received() ?? 0;
  let isEnded = false;
  const ended = Promise.withResolvers<Ended>();
  const opened = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onclose = ({ code, reason }) => {
    isEnded = true;
    ended.resolve({ code, reason });
    opened.resolve();
  };
  socket.onmessage = ({ data }) => {
    const frame: Frame = JSON.parse(String(data));
    if (typeof frame["seq"] === "number") received = Math.max(received, frame["seq"]);
    frames.push(frame);
  };
  await opened.promise;
  const send = (frame: object) => socket.send(JSON.stringify(frame));
  return {
    frames,
    ended: ended.promise,
    isEnded: () => isEnded,
    send,
    say(frame) {
      const numbered = { ...frame, seq: (sent += 1), ack: received };
      send(numbered);
      return numbered;
    },
    async take(type) {
      await eventually(() => frames.some((frame) => frame["type"] === type) || isEnded, `a frame ${type} arrives`);
      const at = frames.findIndex((frame) => frame["type"] === type);
      if (at < 0) throw new Error(`the connection ended before ${type} came`);
      return frames.splice(at, 1)[0] ?? {};
    },
    received: () => received,
    sent: () => sent,
    close: () => socket.close(),
  };
}

export function helloOf(changes: Hello = {}): object {
  return { type: "hello", protocol: 1, agent_id: "node-1", agent_version: "1.0.0", labels: [], capacity: 1, holds: [], ...changes };
}

/** Dials and says hello; `welcome` is what it was answered. */
export async function connectAgent(site: Pick<TestRoles, "urls">, rawKey: string, changes: Hello = {}, from?: Awaited<ReturnType<typeof dialAgent>>) {
  const agent = await dialAgent(site, rawKey, from);
  agent.send(helloOf(changes));
  return { ...agent, welcome: await agent.take("welcome") };
}
