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

/** A data channel's socket. */
export interface ChannelSocket {
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface ChannelEvents {
  onBytes(bytes: Uint8Array): void;
  /** Once, however it ended. */
  onClose(code: number, reason: string): void;
}

export type DialChannel = (sessionId: string, events: ChannelEvents) => ChannelSocket;

export interface Destination {
  /** Called for each attempt to connect. */
  gatewayUrl(): string;
  readonly key: Secret;
  readonly caFile: string | undefined;
}

function open({ gatewayUrl, key, caFile }: Destination, path: string, headers: Readonly<Record<string, string>> = {}): WebSocket {
  const tls = caFile === undefined ? {} : { tls: { ca: readFileSync(caFile, "utf8") } };
  return new WebSocket(`${gatewayUrl().replace(/^http/, "ws")}${path}`, { headers: { ...headers, authorization: `Bearer ${key.reveal()}` }, ...tls });
}

/** Opens real sockets for data channels. */
export function createDialChannel(destination: Destination): DialChannel {
  return (sessionId, { onBytes, onClose }) => {
    const socket = open(destination, "/v1/channel", { "cyberun-session": sessionId });
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) onBytes(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => onClose(code, reason);
    return { send: (bytes) => void socket.send(bytes), close: () => socket.terminate() };
  };
}

/** Opens real sockets. */
export function createDial(destination: Destination): Dial {
  return ({ onOpen, onText, onClose }) => {
    const socket = open(destination, "/v1/connect");
    socket.onopen = onOpen;
    socket.onmessage = ({ data }) => onText(String(data));
    socket.onclose = ({ code, reason }) => onClose(code, reason);
    return { send: (text) => socket.send(text), close: () => socket.close(), terminate: () => socket.terminate() };
  };
}
