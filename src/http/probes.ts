/** The three addresses every role answers: alive, ready, metrics. */
import type { App } from "./listener.ts";
import { Fault } from "../fault.ts";
import type { Metric } from "./metrics.ts";
import { metricsText } from "./metrics.ts";

export interface Probe {
  readonly role: string;
  /** What keeps the role from serving, one sentence; undefined when it can serve. */
  readonly notReady: () => Promise<string | undefined>;
  readonly metrics: () => readonly Metric[] | Promise<readonly Metric[]>;
}

export function addProbes(app: App, { role, notReady, metrics }: Probe): void {
  app.get("/healthz", () => ({ role, status: "alive" }));
  app.get("/readyz", async () => {
    const reason = await notReady();
    if (reason === undefined) return { role, status: "ready" };
    throw new Fault("unavailable", reason, { hint: "The role answers here with 200 as soon as it can serve." });
  });
  app.get("/metrics", async ({ set }) => {
    set.headers["content-type"] = "text/plain; version=0.0.4; charset=utf-8";
    return metricsText(await metrics());
  });
}
