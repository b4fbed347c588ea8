/** A running server's operator door over a real License Server, in a folder of its own. */
import { join } from "node:path";
import { readAnchors } from "../../src/audit/anchor.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createLog, type Log } from "../../src/log.ts";
import { type OperatorDoor, openOperatorDoor } from "../../src/roles/operator/door.ts";
import type { OperatorScope } from "../../src/roles/operator/call.ts";
import { realServices } from "../../src/services.ts";
import { testBackups } from "./backups.ts";
import { temporaryFolder } from "./folder.ts";
import { TestSite, type TestSiteOptions } from "./license-server.ts";

export interface DoorSite extends AsyncDisposable {
  readonly site: TestSite;
  readonly gate: Gate;
  /** The data directory that the door is in. */
  readonly dataDir: string;
  readonly socket: string;
  readonly log: Log;
  /** Lines of the log. */
  readonly logged: string[];
  readonly door: OperatorDoor | undefined;
  /** Opens another door at `socket`. */
  open(socket: string, scope?: OperatorScope): Promise<OperatorDoor | undefined>;
}

export async function openDoorSite(options: TestSiteOptions = {}): Promise<DoorSite> {
  const site = await TestSite.start(options);
  const folder = temporaryFolder();
  const services = realServices();
  const logged: string[] = [];
  const log = createLog(services.clock, "info", (line) => void logged.push(line));
  const { gate } = site.server;
  const ownScope: OperatorScope = { gate, backups: testBackups(folder.path), licenseServer: async () => site.server, auditAnchors: () => readAnchors(site.directory, gate.sealer) };
  const open = (socket: string, scope: OperatorScope = ownScope) => openOperatorDoor({ socket, scope, services, log });
  const socket = join(folder.path, "operator.sock");
  const door = await open(socket);
  return {
    site,
    gate,
    dataDir: folder.path,
    socket,
    log,
    logged,
    door,
    open,
    async [Symbol.asyncDispose]() {
      await door?.stop();
      await site[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

export interface DoorAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request to the door, as any program on the host could send it. */
export async function knock(socket: string, path: string, init: RequestInit = {}): Promise<DoorAnswer> {
  const response = await fetch(`http://localhost${path}`, { method: "POST", ...init, unix: socket });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}
