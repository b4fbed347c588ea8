/**
 * A gateway that can be killed: on a port of its own over a test's store, and started again on another one.
 *
 *     const host = gatewayHost(world);
 *     host.kill();   // at once: no goodbye, and nothing of it reaches the store any more
 *     host.start();
 */
import { LastUses } from "../../src/credentials/last-use.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { createApp, listen } from "../../src/http/listener.ts";
import { createLog } from "../../src/log.ts";
import { addGatewayDoors } from "../../src/roles/gateway.ts";
import { gatewayAuthenticate } from "../../src/roles/gateway/authenticate.ts";
import type { Store } from "../../src/store/store.ts";
import { Bell } from "../../src/tasks/bell.ts";
import type { TestGate } from "./gate.ts";

/** A store that a killed process does not reach any more. */
function mortal(store: Store): { readonly store: Store; kill(): void } {
  let isDead = false;
  const refuse = () => Promise.reject(new Error("the process was killed"));
  return {
    store: {
      ...store,
      read: (query) => (isDead ? refuse() : store.read(query)),
      write: (command) => (isDead ? refuse() : store.write(command)),
    },
    kill: () => void (isDead = true),
  };
}

export function gatewayHost({ gate, services }: TestGate) {
  const bell = new Bell();
  const logged: string[] = [];
  let kill = () => {};
  let stop = async () => {};
  let url = "";
  const start = () => {
    const life = mortal(gate.store);
    const log = createLog(services.clock, "info", (line) => logged.push(line));
    const own: Gate = { ...gate, store: life.store };
    const uses = new LastUses(own, log);
    const app = createApp({ services, log, role: "gateway", authenticate: gatewayAuthenticate(own, uses) });
    const doors = addGatewayDoors(app, { gate: own, log, bell, accessBell: new Bell() });
    const listener = listen(app, { hostname: "127.0.0.1", port: 0 }, services);
    url = listener.url;
    kill = () => {
      life.kill();
      void app.server?.stop(true);
      // Its timers end; what it would still write does not reach the store.
      void doors.stop().catch(() => {});
      void uses.stop().catch(() => {});
    };
    stop = async () => {
      await doors.stop();
      await app.server?.stop(true);
      await uses.stop();
    };
  };
  start();
  return { bell, logged, url: () => url, start, kill: () => kill(), stop: () => stop() };
}
