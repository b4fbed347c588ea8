/**
 * The raw loop of the gateway and its queue: Bun.serve with one WebSocket for each agent, tasks in one table of bun:sqlite,
 * durable before they are answered and before they are taken. It checks no key, no license, no team, no label and no lease.
 */
import { writeFileSync } from "node:fs";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { batched, openRawDatabase } from "./batch.ts";

const [readyFile = "", databaseFile = ""] = process.argv.slice(2);
const frameShape = Compile(
  Type.Object({ type: Type.String(), sequence: Type.Optional(Type.Integer()), task_id: Type.Optional(Type.String()), attempt: Type.Optional(Type.Integer()), capacity: Type.Optional(Type.Integer()) }),
);

const database = openRawDatabase(databaseFile);
database.run("create table tasks (id text primary key, status text not null, attempt integer not null, created_at integer not null)");
database.run("create index tasks_open on tasks (status, created_at)");
database.run("create table events (id integer primary key, task_id text not null, kind text not null)");
const insert = database.prepare("insert into tasks values (?, 'pending', 0, ?)");
const claim = database.prepare("update tasks set status = 'queued', attempt = attempt + 1 where id = (select id from tasks where status = 'pending' order by created_at limit 1) returning id, attempt");
const finish = database.prepare("update tasks set status = 'completed' where id = ? and attempt = ? and status = 'queued'");
const event = database.prepare("insert into events (task_id, kind) values (?, ?)");
const write = batched(database);

interface Agent {
  free: number;
  send(text: string): void;
}

const agents = new Set<Agent>();
let isDispatching = false;
let isRung = false;

async function dispatch(): Promise<void> {
  isRung = true;
  if (isDispatching) return;
  isDispatching = true;
  while (isRung) {
    isRung = false;
    for (const agent of agents) {
      if (agent.free === 0) continue;
      let row: unknown[] | undefined;
      await write(() => {
        [row] = claim.values();
        if (row !== undefined) event.run(String(row[0]), "queued");
      });
      if (row === undefined) break;
      agent.free -= 1;
      // Those that were served go to the end, so that tasks are spread over all.
      agents.delete(agent);
      agents.add(agent);
      agent.send(JSON.stringify({ type: "offer", seq: 1, ack: 0, task_id: row[0], attempt: row[1] }));
      isRung = true;
      break;
    }
  }
  isDispatching = false;
}

async function submit(): Promise<Response> {
  const id = crypto.randomUUID();
  await write(() => {
    insert.run(id, Date.now());
    event.run(id, "pending");
  });
  void dispatch();
  return Response.json({ task_id: id }, { status: 202 });
}

async function take(agent: Agent, frame: { readonly type: string; readonly sequence?: number; readonly task_id?: string; readonly attempt?: number; readonly capacity?: number }): Promise<void> {
  if (frame.type === "hello") {
    agent.free = frame.capacity ?? 0;
    agents.add(agent);
    agent.send(JSON.stringify({ type: "welcome" }));
    void dispatch();
  }
  if (frame.type === "ping") agent.send(JSON.stringify({ type: "pong", sequence: frame.sequence }));
  if (frame.type !== "result") return;
  await write(() => {
    finish.run(frame.task_id ?? "", frame.attempt ?? 0);
    event.run(frame.task_id ?? "", "completed");
  });
  agent.free += 1;
  agent.send(JSON.stringify({ type: "taken", seq: 1, ack: 0, task_id: frame.task_id, attempt: frame.attempt }));
  void dispatch();
}

const server = Bun.serve<{ agent: Agent | undefined }>({
  hostname: "127.0.0.1",
  port: 0,
  development: false,
  async fetch(request, owner) {
    if (request.method === "POST") return await submit();
    return owner.upgrade(request, { data: { agent: undefined } }) ? undefined : new Response("no", { status: 400 });
  },
  websocket: {
    open(socket) {
      socket.data.agent = { free: 0, send: (text) => void socket.send(text) };
    },
    message(socket, text) {
      const frame: unknown = JSON.parse(String(text));
      if (socket.data.agent !== undefined && frameShape.Check(frame)) void take(socket.data.agent, frame);
    },
    close(socket) {
      if (socket.data.agent !== undefined) agents.delete(socket.data.agent);
    },
  },
});
writeFileSync(readyFile, JSON.stringify({ url: server.url.origin }));
