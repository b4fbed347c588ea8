/**
 * The agent's data channel: dialled when the gateway asks for it, and what comes through it served.
 *
 *     open_channel → dial → attached → streams        tunnels → what is open, and so whether tasks are taken
 *
 * Rule: only ports that the agent's own file names are reached, and services that it runs or may call. The channel is dialled again when the gateway asks again, and
 * never by itself: while nobody wants anything there is none.
 */
import { Channel } from "../agents/channel.ts";
import type { NumberedGatewayFrame } from "../agents/frames.ts";
import type { Log } from "../log.ts";
import type { Services } from "../services.ts";
import { Forwarder } from "./forwarder.ts";
import type { ServiceHost } from "./service-host.ts";
import type { AgentSettings } from "./settings.ts";
import type { ChannelSocket, DialChannel } from "./socket.ts";

export interface HostAccessParts {
  readonly services: Services;
  readonly log: Log;
  readonly settings: AgentSettings;
  readonly dialChannel: DialChannel;
  readonly serviceHost: ServiceHost;
}

type Tunnels = Extract<NumberedGatewayFrame, { readonly type: "tunnels" }>;

export class HostAccess {
  readonly #parts: HostAccessParts;
  readonly #forwarder: Forwarder;
  #current: { readonly socket: ChannelSocket; readonly channel: Channel } | undefined;
  #open: Tunnels["open"] = [];

  constructor(parts: HostAccessParts) {
    this.#parts = parts;
    const { tunnelPorts } = parts.settings;
    this.#forwarder = new Forwarder({
      services: parts.services,
      findTarget(target) {
        if (target.kind === "service") return parts.serviceHost.findTarget(target.service_id);
        if (!tunnelPorts.includes(target.port)) return { code: "refused", message: `This agent does not let tunnels in to its port ${target.port}.` };
        return { origin: `http://127.0.0.1:${target.port}`, port: target.port };
      },
    });
  }

  /** Whether somebody has the host to themselves, so that no tasks are taken. */
  get isInUse(): boolean {
    return this.#open.length > 0;
  }

  takeTunnels({ open }: Pick<Tunnels, "open">): void {
    this.#open = open;
    this.#parts.log.write("info", "agent.tunnels", { open: open.map(({ target_port, tunnel_protocol }) => `${tunnel_protocol} ${target_port}`) });
  }

  /** Dials the data channel of the session. */
  openChannel(sessionId: string): void {
    this.close();
    const { log, dialChannel } = this.#parts;
    const ifCurrent = (act: () => void) => {
      if (this.#current?.channel === channel) act();
    };
    const socket = dialChannel(sessionId, {
      onBytes: (bytes) => ifCurrent(() => channel.receive(bytes)),
      onClose: (code, reason) => {
        channel.close();
        ifCurrent(() => (this.#current = undefined));
        log.write("info", "channel.closed", { why: `${code} ${reason}`.trim() });
      },
    });
    const channel: Channel = new Channel({
      // What a stream may send before it is read bounds what waits here.
      output: { send: (frame) => socket.send(frame), hasRoom: () => true },
      onOpen: (stream, open) => this.#forwarder.serve(stream, open),
      onBroken: (why) => {
        log.write("warn", "channel.broken", { why });
        socket.close();
      },
    });
    this.#current = { socket, channel };
  }

  /** Ends the channel and all that goes over it. */
  close(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.channel.close();
    current?.socket.close();
  }
}
