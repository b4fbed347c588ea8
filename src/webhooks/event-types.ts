/**
 * What a webhook can be told of, and the documented body in which it is told.
 *
 *     task.completed, task.failed      documented
 *     task.pending … task.cancelled    ours: the other states of a task
 *     webhook.test                     ours: a test call, whatever the webhook asks for
 *
 * Rule: pure. The body is made once, from the event's own row, so that every attempt sends the same bytes.
 */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { assert, invalidField } from "../fault.ts";
import { type TaskStatus, taskStatuses } from "../tasks/states.ts";

/** The event type of each state that a task comes to. */
const typeOf = {
  pending: "task.pending",
  waiting: "task.waiting",
  provisioning: "task.provisioning",
  queued: "task.queued",
  running: "task.running",
  completed: "task.completed",
  failed: "task.failed",
  cancelled: "task.cancelled",
} as const satisfies Record<TaskStatus, `task.${TaskStatus}`>;

export type EventType = (typeof typeOf)[TaskStatus];
export const eventTypes: readonly EventType[] = taskStatuses.map((status) => typeOf[status]);
export const TEST_EVENT = "webhook.test";
/** In a test call in place of a task's id. */
const NO_TASK = "00000000-0000-0000-0000-000000000000";

/** The event types that are asked for, each once. Throws Fault `invalid_request`. */
export function requireEventTypes(given: unknown): readonly EventType[] {
  const found = Array.isArray(given) && given.length <= eventTypes.length ? eventTypes.filter((type) => given.includes(type)) : [];
  if (found.length > 0 && Array.isArray(given) && new Set(given).size === given.length && found.length === given.length) return found;
  throw invalidField("webhook_events", `is a list of one or more of ${eventTypes.join(", ")}, each once`);
}

/** As they were stored. */
export function readEventTypes(json: string): readonly EventType[] {
  return requireEventTypes(JSON.parse(json));
}

const Content = Type.Object({ task_id: Type.String(), status: Type.String(), timestamp: Type.String(), output: Type.Optional(Type.Unknown()), error: Type.Optional(Type.String()) });
const contentShape = Compile(Content);

/** The documented body. */
interface Body {
  readonly event_type: string;
  readonly task_id: string;
  readonly task_status: string;
  readonly task_output: unknown;
  /** Empty unless the task failed. */
  readonly task_error: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface Message {
  readonly eventType: EventType | typeof TEST_EVENT;
  readonly taskId: string | null;
  readonly body: string;
}

function bodyOf(eventType: Message["eventType"], { task_id, status, output, error, timestamp }: Static<typeof Content>): string {
  const body: Body = { event_type: eventType, task_id, task_status: status, task_output: output ?? null, task_error: error ?? "", timestamp };
  return JSON.stringify(body);
}

/** What is told of an event of a task, from the row's `content`. */
export function messageOf(content: string): Message & { readonly eventType: EventType } {
  const parsed: unknown = JSON.parse(content);
  assert(contentShape.Check(parsed), "the event of a transition names task, status and time");
  const status = taskStatuses.find((each) => each === parsed.status);
  assert(status !== undefined, "a task is in one of the states");
  const eventType = typeOf[status];
  return { eventType, taskId: parsed.task_id, body: bodyOf(eventType, parsed) };
}

/** What a test call says: the shape of a success, of no task. */
export function testMessage(now: number): Message {
  const content = { task_id: NO_TASK, status: "completed", timestamp: new Date(now).toISOString() } as const;
  return { eventType: TEST_EVENT, taskId: null, body: bodyOf(TEST_EVENT, content) };
}
