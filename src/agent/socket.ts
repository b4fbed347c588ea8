/** The agent's WebSocket to its gateway, as an agent uses one. The key goes into a header and nowhere else. */
import { readFileSync } from "node:fs";
import type { Secret } from "../secret.ts";

export interface AgentSocket {
  send(text: string): void;
  close(): void;
  /** Ends it without waiting for the other side, which may be gone. */
  terminate(): void;
}

export interface SocketEvents {
  onOpen(): void;
  onText(text: string): void;
  /** Once, however it ended. */
  onClose(code: number, reason: string): void;
}

export type Dial = (events: SocketEvents) => AgentSocket;

export interface Destination {
  /** Called for each attempt to connect. */
  gatewayUrl(): string;
  readonly key: Secret;
  readonly caFile: string | undefined;
}

/** Opens real sockets. */
export function createDial({ gatewayUrl, key, caFile }: Destination): Dial {
  return ({ onOpen, onText, onClose }) => {
    const tls = caFile === undefined ? {} : { tls: { ca: readFileSync(caFile, "utf8") } };
    const socket = new WebSocket(`${gatewayUrl().replace(/^http/, "ws")}/v1/connect`, { headers: { authorization: `Bearer ${key.reveal()}` }, ...tls });
    socket.onopen = onOpen;
    socket.onmessage = ({ data }) => onText(String(data));
    socket.onclose = ({ code, reason }) => onClose(code, reason);
    return { send: (text) => socket.send(text), close: () => socket.close(), terminate: () => socket.terminate() };
  };
}
