/**
 * Container services at this gateway: what each agent shall run is told to it, and calls go through to it.
 *
 *     each second, or rung → replicas placed → each agent told its whole list when that changed
 *     call with a pass → container.enter → the agent's channel → stream to the service
 *
 * Rule: translates; who may call was decided by the API, whose pass says so.
 */
import { enterService } from "../../containers/calls.ts";
import { listWanted, placeReplicas, type Wanted } from "../../containers/replicas.ts";
import type { GatewayWord } from "../../agents/frames.ts";
import { system } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { licenseStates } from "../../license/entitlements.ts";
import type { Log } from "../../log.ts";
import type { Cancel } from "../../services.ts";
import { forwardRequest } from "./forwarding.ts";
import type { Sessions } from "./sessions.ts";
import type { Tunnels } from "./tunnels.ts";

const REVIEW_MS = 1_000;
const PASS_HEADER = "cyberun-service-pass";
/** Tells the API that the answer is the service's, and no refusal of the gateway. */
const RELAYED_HEADER = "cyberun-relayed";

type Told = Extract<GatewayWord, { readonly type: "services" }>["services"][number];

function toldOf({ serviceId, generation, replicaIndex, definition }: Wanted): Told {
  const { service_slug, service_type, docker_image, external_url, exposed_port, health_path, env_config, volume_config, gpu_count } = definition;
  const named = { service_id: serviceId, service_slug, generation, replica_index: replicaIndex };
  if (service_type === "external") return { kind: "external", ...named, external_url: external_url ?? "" };
  return { kind: "deployed", ...named, docker_image: docker_image ?? "", exposed_port, health_path, env_config, volume_config, gpu_count };
}

export interface ServicesParts {
  readonly gate: Gate;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly tunnels: Tunnels;
}

export class Services {
  readonly #parts: ServicesParts;
  #cancel: Cancel | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: ServicesParts) {
    this.#parts = parts;
    this.#arm();
  }

  /** Looks at once. */
  review(): Promise<void> {
    this.#running = this.#running.then(() => this.#review()).catch((error: unknown) => this.#parts.log.write("warn", "services.review_failed", { error }));
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Sends the call on to the agent that its pass names. */
  async call(request: Request, { serviceId, teamId, agentId, slug }: Awaited<ReturnType<typeof enterService>>): Promise<Response> {
    const { tunnels } = this.#parts;
    const { pathname, search } = new URL(request.url);
    const path = `${pathname.slice(`/v1/services/${serviceId}`.length) || "/"}${search}`;
    const way = { target: { kind: "service" as const, service_id: serviceId }, path, prefix: `/api/v1/r/containers/${slug}`, origin: "", withheld: [PASS_HEADER] };
    const answer = await forwardRequest(request, { channel: await tunnels.reach({ team_id: teamId, agent_id: agentId }), way, onStream: (stream) => tunnels.keepApart(stream) });
    answer.headers.set(RELAYED_HEADER, "1");
    return answer;
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#parts.gate.services.clock.after(REVIEW_MS, () => void this.review().finally(() => this.#arm()));
  }

  /** While the license does not allow services nothing is placed or told: what runs goes on, and cannot be called. */
  async #review(): Promise<void> {
    const { gate, sessions } = this.#parts;
    const lending = sessions.lending();
    if (lending.length === 0 || !licenseStates[gate.entitled.entitlements().state].open) return;
    await placeReplicas(gate, system, undefined);
    const wanted = Map.groupBy(await listWanted(gate, system, undefined), ({ teamId, agentId }) => `${teamId}/${agentId}`);
    for (const session of lending) session.tellServices((wanted.get(`${session.caller.teamId}/${session.hello.agent_id}`) ?? []).map(toldOf));
  }
}

export function addServiceDoors(app: App, gate: Gate, services: Services): void {
  app.all(
    "/v1/services/:service_id/*",
    async ({ request, server, caller, params, set }) => {
      const entered = await enterService(gate, caller, { service_id: params.service_id, pass: request.headers.get(PASS_HEADER) ?? "" });
      set.headers = {};
      server?.timeout(request, 0);
      return await services.call(request, entered);
    },
    door("container.enter", "none"),
  );
}
