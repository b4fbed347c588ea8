/**
 * The services of an agent: those that it shall run it runs, and what it is not told any more it stops.
 *
 *     services (the whole list) → compared with what runs → started, replaced, stopped, one after another → how each does is said
 *     each second → health → running ⇄ failed
 *
 * Rule: the list says what, the agent's own file whether: images, volumes and addresses that it does not name are refused. A
 * container outlives the agent; the next life finds it by its labels.
 */
import { normalize } from "node:path";
import type { AgentWord, NumberedGatewayFrame } from "../agents/frames.ts";
import { readSecretLine } from "../data-directory.ts";
import type { Log } from "../log.ts";
import type { Services } from "../services.ts";
import { ContainerCommand, ContainerFailure } from "./container-command.ts";
import type { ForwardTarget, NoTarget } from "./forwarder.ts";
import type { ServiceSettings } from "./settings.ts";

/** Looks at a service that runs. */
const HEALTHY_LOOK_TICKS = 10;
const FAILURES_MAX = 3;
/** A service that has not answered for so long has failed; it may still come. */
const STARTING_TICKS_MAX = 300;
const HEALTH_MS_MAX = 5_000;
const AGENT_LABEL = "cyberun.agent";
const GENERATION_LABEL = "cyberun.generation";

type Wanted = Extract<NumberedGatewayFrame, { readonly type: "services" }>["services"][number];
type Deployed = Extract<Wanted, { readonly kind: "deployed" }>;
type ServiceWord = Extract<AgentWord, { readonly type: "service" }>;

export interface ServiceHostParts {
  readonly services: Services;
  readonly log: Log;
  readonly settings: ServiceSettings;
  readonly agentId: string;
  readonly dataDir: string;
  say(word: ServiceWord): void;
  /** The content of the file with an external service's Authorization header. */
  authorization(slug: string): string | undefined;
}

interface Running {
  readonly wanted: Deployed;
  port: number | undefined;
  state: ServiceWord["state"];
  detail: string | undefined;
  ticks: number;
  failures: number;
  isLooking: boolean;
}

const keyOf = ({ service_id, replica_index }: Pick<Wanted, "service_id" | "replica_index">) => `${service_id}-${replica_index}`;
const nameOf = (key: string) => `cyberun-${key}`;

/** `ghcr.io/acme/*` allows all that begins so; without the star it is one image. */
function isImageAllowed(images: readonly string[], image: string): boolean {
  return images.some((each) => (each.endsWith("*") ? image.startsWith(each.slice(0, -1)) : image === each));
}

function isVolumeAllowed(volumes: readonly string[], path: string): boolean {
  return normalize(path) === path && volumes.some((each) => path === each || path.startsWith(`${each.replace(/\/$/, "")}/`));
}

/** What an agent of these settings says that it lends itself to. */
export function serviceKindsOf({ containerCommand, external }: ServiceSettings): ("deployed" | "external")[] {
  return [...(containerCommand === undefined ? [] : ["deployed" as const]), ...(external.length === 0 ? [] : ["external" as const])];
}

/** The Authorization header of an external service, from its file as it is now; undefined when there is none. */
export function authorizationOf({ authorization }: ServiceSettings, slug: string): string | undefined {
  const file = authorization.get(slug);
  return file === undefined ? undefined : readSecretLine(file).reveal();
}

export class ServiceHost {
  readonly #parts: ServiceHostParts;
  readonly #command: ContainerCommand | undefined;
  readonly #running = new Map<string, Running>();
  #wanted: readonly Wanted[] = [];
  #work: Promise<void> = Promise.resolve();
  #hasAdopted = false;
  #isStopped = false;

  constructor(parts: ServiceHostParts) {
    this.#parts = parts;
    const { containerCommand } = parts.settings;
    this.#command = containerCommand === undefined ? undefined : new ContainerCommand({ argv: containerCommand, folder: parts.dataDir });
  }

  /** The whole list; what is said of each is said anew. */
  take(wanted: readonly Wanted[]): void {
    this.#wanted = wanted;
    for (const running of this.#running.values()) this.#say(running);
    this.#work = this.#work.then(() => this.#reconcile()).catch((error: unknown) => this.#parts.log.write("error", "services.failed", { error }));
  }

  /** Called every second. */
  tick(): void {
    for (const running of this.#running.values()) {
      running.ticks += 1;
      const isDue = running.state === "running" && running.failures === 0 ? running.ticks % HEALTHY_LOOK_TICKS === 0 : true;
      if (isDue && running.port !== undefined && !running.isLooking) void this.#look(running, running.port);
    }
  }

  /** Nothing more is started or said; what runs goes on. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Where a service is that was asked for. */
  findTarget(serviceId: string): ForwardTarget | NoTarget {
    const wanted = this.#wanted.find(({ service_id }) => service_id === serviceId);
    if (wanted?.kind === "external") return this.#externalTarget(wanted);
    const there = [...this.#running.values()].find((each) => each.wanted.service_id === serviceId && each.state === "running");
    if (there?.port === undefined) return { code: "unreachable", message: "The service does not run on this agent." };
    return { origin: `http://127.0.0.1:${there.port}`, port: there.port };
  }

  #externalTarget({ external_url, service_slug }: Extract<Wanted, { readonly kind: "external" }>): ForwardTarget | NoTarget {
    const origin = external_url.replace(/\/$/, "");
    const isAllowed = this.#parts.settings.external.some((each) => origin === each || origin.startsWith(`${each}/`));
    if (!isAllowed) return { code: "refused", message: "This agent does not call the service's address: its own file does not name it under services.external." };
    const authorization = this.#parts.authorization(service_slug);
    return { origin, ...(authorization === undefined ? {} : { headers: { authorization } }) };
  }

  #say({ wanted: { service_id, replica_index, generation }, state, detail }: Running): void {
    if (!this.#isStopped) this.#parts.say({ type: "service", service_id, replica_index, generation, state, ...(detail === undefined ? {} : { detail: detail.slice(0, 1_000) }) });
  }

  #become(running: Running, state: ServiceWord["state"], detail?: string): void {
    if (running.state === state && running.detail === detail) return;
    running.state = state;
    running.detail = detail;
    this.#say(running);
  }

  async #reconcile(): Promise<void> {
    const wanted = new Map(this.#wanted.flatMap((each) => (each.kind === "deployed" ? [[keyOf(each), each] as const] : [])));
    if (this.#command === undefined) return;
    if (!this.#hasAdopted) await this.#adopt(this.#command, wanted);
    for (const [key, running] of this.#running) if (wanted.get(key)?.generation !== running.wanted.generation) await this.#end(this.#command, key, running);
    for (const [key, each] of wanted) if (!this.#running.has(key) && !this.#isStopped) await this.#start(this.#command, key, each);
  }

  /** Containers of an earlier life: those that are wanted as they are go on, the others end. */
  async #adopt(command: ContainerCommand, wanted: ReadonlyMap<string, Deployed>): Promise<void> {
    const found = await command.list(`${AGENT_LABEL}=${this.#parts.agentId}`, GENERATION_LABEL);
    this.#hasAdopted = true;
    for (const [name, generation] of found) {
      const [key, each] = [...wanted].find(([of]) => nameOf(of) === name) ?? [];
      const port = key === undefined || each === undefined || String(each.generation) !== generation ? undefined : await command.portOf(name, each.exposed_port).catch(() => undefined);
      if (key === undefined || each === undefined || port === undefined) await command.remove(name);
      else this.#keep(key, each).port = port;
    }
  }

  #keep(key: string, wanted: Deployed): Running {
    const running: Running = { wanted, port: undefined, state: "starting", detail: undefined, ticks: 0, failures: 0, isLooking: false };
    this.#running.set(key, running);
    this.#say(running);
    return running;
  }

  async #end(command: ContainerCommand, key: string, running: Running): Promise<void> {
    await command.remove(nameOf(key)).catch((error: unknown) => this.#parts.log.write("error", "service.not_removed", { service: key, error }));
    this.#running.delete(key);
    this.#become(running, "stopped");
  }

  #refusalOf({ docker_image, volume_config, gpu_count }: Deployed): string | undefined {
    const { images, volumes, gpus } = this.#parts.settings;
    if (!isImageAllowed(images, docker_image)) return `The agent's own file does not name the image ${docker_image} under services.images.`;
    const volume = volume_config.find(({ host_path }) => !isVolumeAllowed(volumes, host_path));
    if (volume !== undefined) return `The agent's own file does not name ${volume.host_path} under services.volumes.`;
    return gpu_count !== 0 && !gpus ? "The agent's own file does not lend GPUs to services (services.gpus)." : undefined;
  }

  async #start(command: ContainerCommand, key: string, wanted: Deployed): Promise<void> {
    const running = this.#keep(key, wanted);
    const refusal = this.#refusalOf(wanted);
    if (refusal !== undefined) return this.#become(running, "failed", refusal);
    try {
      const labels = { [AGENT_LABEL]: this.#parts.agentId, "cyberun.service": wanted.service_slug, [GENERATION_LABEL]: String(wanted.generation) };
      const { docker_image: image, exposed_port: port, env_config: variables, volume_config: volumes, gpu_count: gpus } = wanted;
      running.port = await command.start({ name: nameOf(key), image, port, labels, variables, volumes, gpus });
    } catch (error) {
      if (!(error instanceof ContainerFailure)) throw error;
      this.#become(running, "failed", error.message);
    }
  }

  async #look(running: Running, port: number): Promise<void> {
    running.isLooking = true;
    const isHealthy = await this.#isHealthy(`http://127.0.0.1:${port}${running.wanted.health_path}`);
    running.isLooking = false;
    if (running.state === "stopped" || this.#isStopped) return;
    if (isHealthy) {
      running.failures = 0;
      return this.#become(running, "running");
    }
    running.failures += 1;
    if (running.state === "running" && running.failures >= FAILURES_MAX) this.#become(running, "failed", `It does not answer at ${running.wanted.health_path} any more.`);
    if (running.state === "starting" && running.ticks >= STARTING_TICKS_MAX) this.#become(running, "failed", `It has not answered at ${running.wanted.health_path} within ${STARTING_TICKS_MAX} seconds.`);
  }

  async #isHealthy(url: string): Promise<boolean> {
    const cutting = new AbortController();
    const cancel = this.#parts.services.clock.after(HEALTH_MS_MAX, () => cutting.abort());
    try {
      const answer = await this.#parts.services.fetch(url, { proxy: false, redirect: "manual", signal: cutting.signal });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    } finally {
      cancel();
    }
  }
}
