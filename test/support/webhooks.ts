/**
 * Webhooks at a test's gate: receivers that are told by a network under the test's control, and deliveries made by hand.
 *
 *     const post = receivers(world);
 *     post.answer = () => 500;
 *     await finish(bench); await deliver(world);
 *     expect(post.calls).toMatchObject([{ url: "https://a.example/" }]);
 */
import { setSystemTime } from "bun:test";
import { Webhook } from "standardwebhooks";
import { type Caller, system } from "../../src/gate/caller.ts";
import { acceptTask, finishTask, type Outcome } from "../../src/tasks/attempts.ts";
import { claimTask } from "../../src/tasks/claim.ts";
import { takeDueDeliveries } from "../../src/webhooks/due-deliveries.ts";
import { createWebhook, type MadeWebhook, type WebhookInput } from "../../src/webhooks/management.ts";
import { noteDeliveries } from "../../src/webhooks/noting.ts";
import { sendDelivery, type Sent } from "../../src/webhooks/sending.ts";
import type { TestGate } from "./gate.ts";
import { type Bench, claimant } from "./tasks.ts";

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

export interface Receivers {
  readonly calls: Call[];
  /** What a receiver answers; it may throw, as a network does, and take its time. */
  answer: (call: Call) => number | Answer | Promise<number | Answer>;
}

const publicAddress = "93.184.216.34";

/** Every name leads to a public address, and `answer` is asked for all of them. */
export function receivers({ services }: Pick<TestGate, "services">): Receivers {
  const made: Receivers = { calls: [], answer: () => 200 };
  services.replaceNetwork({
    resolve: async () => [publicAddress],
    exchange: async ({ url, headers, body = "", addresses, signal, bodyBytesMax }) => {
      const call: Call = { url: url.href, headers, body, addresses, signal };
      made.calls.push(call);
      const given = await made.answer(call);
      const { status, headers: answered = {}, body: text = "" } = typeof given === "number" ? { status: given } : given;
      const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
      return { status, headers: new Headers(answered), body: new Uint8Array(bytes.subarray(0, bodyBytesMax)) };
    },
  });
  return made;
}

export const aWebhook = { display_name: "Receiver", webhook_url: "https://receiver.example/hook", webhook_events: ["task.completed", "task.failed"] } as const satisfies WebhookInput;

export async function addWebhook(world: TestGate, caller: Caller, changes: WebhookInput = {}): Promise<MadeWebhook> {
  return await createWebhook(world.gate, caller, { ...aWebhook, ...changes });
}

/** Runs a task to its end, and gives its id. */
export async function finish(world: TestGate, bench: Bench, outcome: Outcome = { kind: "completed", output: { image_count: 1 } }): Promise<string> {
  const taskId = await bench.run();
  const claimed = await claimTask(world.gate, system, claimant(bench.teamId));
  if (claimed?.taskId !== taskId) throw new Error("the task was not the next one");
  const hold = { taskId, attempt: claimed.attempt, sessionId: "session-1" };
  await acceptTask(world.gate, system, hold);
  await finishTask(world.gate, system, { ...hold, outcome });
  return taskId;
}

export const nothingFlying = { total: 0, hosts: new Map<string, number>(), teams: new Map<string, number>() };

/** Notes what happened and makes every attempt that is due now, one after the other; gives how they ended. */
export async function deliver({ gate }: Pick<TestGate, "gate">): Promise<readonly Sent["recorded"][]> {
  while ((await noteDeliveries(gate, system, undefined)) > 0);
  const ended: Sent["recorded"][] = [];
  for (;;) {
    const batch = await takeDueDeliveries(gate, system, nothingFlying);
    if (batch.length === 0) return ended;
    for (const taken of batch) ended.push((await sendDelivery(gate, system, { taken, signal: new AbortController().signal })).recorded);
  }
}

/** Whether the official library of Standard Webhooks takes the call, at the time of the test's clock. */
export function verifies({ services }: Pick<TestGate, "services">, secret: string, { headers, body }: Pick<Call, "headers" | "body">): boolean {
  setSystemTime(new Date(services.clock.now()));
  try {
    new Webhook(secret).verify(body, { ...headers });
    return true;
  } catch {
    return false;
  } finally {
    setSystemTime();
  }
}
