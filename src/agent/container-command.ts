/**
 * The host's own container command (docker, podman or nerdctl), as an agent uses it for services.
 *
 * Rule: one program from the agent's own file, arguments as a list, no shell. Variables go in by a file that only this user
 * reads and that is gone when the command has ended: arguments are seen by everybody on the host.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably } from "../data-directory.ts";

const OUTPUT_CHARACTERS_MAX = 500;

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Within the container. */
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly variables: readonly { readonly env_name: string; readonly env_value: string }[];
  readonly volumes: readonly { readonly host_path: string; readonly container_path: string }[];
  /** -1: all. */
  readonly gpus: number;
}

/** What the command said when it failed. */
export class ContainerFailure extends Error {}

export interface ContainerCommandParts {
  readonly argv: readonly string[];
  /** For files of variables. */
  readonly folder: string;
}

export class ContainerCommand {
  readonly #parts: ContainerCommandParts;

  constructor(parts: ContainerCommandParts) {
    this.#parts = parts;
  }

  /** Starts a container in place of one of the same name, and gives the port of this host that leads to it. Throws {@link ContainerFailure}. */
  async start(spec: ContainerSpec): Promise<number> {
    await this.remove(spec.name);
    const file = join(this.#parts.folder, `${spec.name}.env`);
    writeFileDurably(file, spec.variables.map(({ env_name, env_value }) => `${env_name}=${env_value}\n`).join(""));
    try {
      await this.#run([
        "run",
        "--detach",
        "--name",
        spec.name,
        ...Object.entries(spec.labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
        "--restart",
        "on-failure:5",
        "--security-opt",
        "no-new-privileges",
        "--publish",
        `127.0.0.1::${spec.port}`,
        "--env-file",
        file,
        ...spec.volumes.flatMap(({ host_path, container_path }) => ["--volume", `${host_path}:${container_path}`]),
        ...(spec.gpus === 0 ? [] : ["--gpus", spec.gpus === -1 ? "all" : String(spec.gpus)]),
        spec.image,
      ]);
    } finally {
      rmSync(file, { force: true });
    }
    return await this.portOf(spec.name, spec.port);
  }

  /** The port of this host that leads to the container's. Throws {@link ContainerFailure} when it does not run. */
  async portOf(name: string, port: number): Promise<number> {
    const said = await this.#run(["port", name, `${port}/tcp`]);
    const found = /:(\d{1,5})\s*$/m.exec(said)?.[1];
    if (found === undefined) throw new ContainerFailure("The container does not run.");
    return Number(found);
  }

  /** Names and one label of all containers that carry `label`, also those that have ended. */
  async list(label: string, shown: string): Promise<ReadonlyMap<string, string>> {
    const said = await this.#run(["ps", "--all", "--filter", `label=${label}`, "--format", `{{.Names}}\t{{.Label "${shown}"}}`]);
    return new Map(said.split("\n").flatMap((line) => (line === "" ? [] : [[line.split("\t")[0] ?? "", line.split("\t")[1] ?? ""] as const])));
  }

  /** Stops and removes it; one that is not there is none. */
  async remove(name: string): Promise<void> {
    await this.#run(["rm", "--force", "--volumes", name]).catch((error: unknown) => {
      if (!(error instanceof ContainerFailure && /no such container/i.test(error.message))) throw error;
    });
  }

  async #run(args: readonly string[]): Promise<string> {
    const [program = "", ...fixed] = this.#parts.argv;
    const spawned = this.#spawn([program, ...fixed, ...args]);
    const [out, err, code] = await Promise.all([new Response(spawned.stdout).text(), new Response(spawned.stderr).text(), spawned.exited]);
    if (code === 0) return out;
    throw new ContainerFailure(`${program} ${args[0]} ended with ${code}: ${err.trim().replace(/\p{Cc}+/gu, " ")}`.slice(0, OUTPUT_CHARACTERS_MAX));
  }

  #spawn(argv: readonly string[]) {
    try {
      return Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    } catch (cause) {
      throw new ContainerFailure(`${argv[0]} cannot be started on this host.`, { cause });
    }
  }
}
