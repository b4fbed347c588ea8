/** Rows of the table of commands: what is run, what becomes of it, and its files. */
import { acting, asPerson, type CommandRow, pages, person, signIn } from "./command-row.ts";

const base = { settings: person, words: acting } as const;
const byKey = `An sk- key in CYBERUN_API_KEY does as well. ${asPerson}`;
const webhookId = "The id is that of webhooks list.";
const webhookWords = {
  ...acting,
  name: { help: "Name of the webhook", shownDefault: "none; required" },
  url: { help: "Address that is called", shownDefault: "none; required" },
  events: { help: "Events that it is called on, such as task.completed,task.failed", shownDefault: "none; required" },
  out: { help: "New file for the secret, readable by this user alone; it is not printed then", shownDefault: "none; the secret is printed" },
} as const;
const asItIs = (help: string) => ({ help, shownDefault: "as it is" });
const taskId = "The id is that of tasks list.";

export const workCommands = {
  "workflows list": { ...base, purpose: "List the team's workflows", options: ["json", ...pages, ...signIn], notes: [byKey] },
  "workflows show": { ...base, purpose: "Show a workflow and the parameters it takes", operands: ["SLUG"], options: ["json", ...signIn], notes: [byKey] },
  "workflows import": {
    ...base,
    purpose: "Create a workflow from a file, or replace the one with the same slug",
    operands: ["FILE"],
    options: ["json", ...signIn],
    notes: ["FILE is the JSON object that POST /api/v1/workflows takes, with workflow_slug and display_name.", asPerson],
  },
  "workflows delete": { ...base, purpose: "Delete a workflow with its earlier versions", operands: ["SLUG"], options: ["json", "yes", ...signIn], notes: [asPerson] },
  run: {
    ...base,
    purpose: "Run a workflow, and wait for its end if wanted",
    operands: ["SLUG", "KEY=VALUE"],
    hasFreeOperands: true,
    options: ["json", "wait", "parametersFile", "once", ...signIn],
    notes: [
      "SLUG@VERSION runs an earlier version. A value is read as the workflow declares its parameter; KEY=@FILE sends that file first. What looks like a flag goes behind --.",
      "With --wait it ends in 0 when the task completes and in 9 when it does not. Interrupted it stops waiting; the task goes on.",
      byKey,
    ],
  },
  "tasks list": { ...base, purpose: "List the team's tasks, the newest first", options: ["json", "status", ...pages, ...signIn], notes: [byKey] },
  "tasks show": { ...base, purpose: "Show a task, and why it waits", operands: ["ID"], options: ["json", ...signIn], notes: [`${taskId} ${byKey}`] },
  "tasks result": { ...base, purpose: "Show what came of a task, with links to its files", operands: ["ID"], options: ["json", ...signIn], notes: [`${taskId} ${byKey}`] },
  "tasks cancel": { ...base, purpose: "Cancel a task", operands: ["ID"], options: ["json", ...signIn], notes: [`${taskId} ${byKey}`] },
  "tasks follow": {
    ...base,
    purpose: "Follow a task to its end, from the first line of its log",
    operands: ["ID"],
    options: ["json", ...signIn],
    notes: ["A cut loses and repeats nothing. It ends in 0 when the task completes and in 9 when it does not.", byKey],
  },
  "files upload": { ...base, purpose: "Send a file for a run, and print its file_key", operands: ["FILE"], options: ["json", "contentType", ...signIn], notes: [byKey] },
  "files download": {
    ...base,
    purpose: "Fetch a file of the team into a new file",
    operands: ["FILE_KEY"],
    options: ["json", "out", ...signIn],
    words: { ...acting, out: { help: "New file for the bytes", shownDefault: "the last part of FILE_KEY, here" } },
    notes: ["The bytes are compared with their SHA-256; a file that does not match is not kept.", byKey],
  },
  "webhooks list": { ...base, purpose: "List the addresses at which the team is called on its events", options: ["json", ...pages, ...signIn], notes: [asPerson] },
  "webhooks show": { ...base, purpose: "Show a webhook, without its secret", operands: ["ID"], options: ["json", ...signIn], notes: [`${webhookId} ${asPerson}`] },
  "webhooks create": {
    ...base,
    purpose: "Have an address called on the team's events; its signing secret is shown once",
    options: ["json", "name", "url", "events", "out", ...signIn],
    words: webhookWords,
    notes: ["It needs the feature webhooks, and the role admin.", asPerson],
  },
  "webhooks update": {
    ...base,
    purpose: "Change a webhook, disable it or enable it again",
    operands: ["ID"],
    options: ["json", "name", "url", "events", "status", ...signIn],
    words: { ...webhookWords, name: asItIs(webhookWords.name.help), url: asItIs(webhookWords.url.help), events: asItIs(webhookWords.events.help), status: asItIs("active, or disabled: nothing is sent then, and what waits is given up") },
    notes: [`${webhookId} ${asPerson}`],
  },
  "webhooks delete": { ...base, purpose: "Delete a webhook with its deliveries", operands: ["ID"], options: ["json", "yes", ...signIn], notes: [`${webhookId} ${asPerson}`] },
  "webhooks rotate-secret": {
    ...base,
    purpose: "Give a webhook a new signing secret, which is shown once",
    operands: ["ID"],
    options: ["json", "overlap", "out", "yes", ...signIn],
    words: { ...webhookWords, overlap: { help: "How long the secret before signs as well, at most 86400", shownDefault: "0: it signs nothing more" } },
    notes: ["Deliveries carry one signature for each secret that is good, so a receiver can change over within the overlap.", `${webhookId} ${asPerson}`],
  },
  "webhooks test": { ...base, purpose: "Send a test call to a webhook", operands: ["ID"], options: ["json", ...signIn], notes: [`${webhookId} ${asPerson}`] },
  "webhooks deliveries": {
    ...base,
    purpose: "List what a webhook was told, the newest first",
    operands: ["ID"],
    options: ["json", "status", ...pages, ...signIn],
    words: { ...acting, status: { help: "pending, delivered or failed only", shownDefault: "all" } },
    notes: [`${webhookId} ${asPerson}`],
  },
  "webhooks delivery": { ...base, purpose: "Show a delivery: what was sent, and what was answered", operands: ["ID", "DELIVERY_ID"], options: ["json", ...signIn], notes: [`${webhookId} ${asPerson}`] },
  "webhooks replay": { ...base, purpose: "Send a delivery again, with the same id", operands: ["ID", "DELIVERY_ID"], options: ["json", ...signIn], notes: [`${webhookId} ${asPerson}`] },
  "containers list": { ...base, purpose: "List the team's container services", options: ["json", ...pages, ...signIn], notes: [byKey] },
  "containers show": { ...base, purpose: "Show a container service, and how each replica does", operands: ["SLUG"], options: ["json", ...signIn], notes: [asPerson] },
  "containers create": {
    ...base,
    purpose: "Define a container service from a file",
    operands: ["FILE"],
    options: ["json", ...signIn],
    notes: ["FILE is the JSON object that POST /api/v1/containers takes (docs/containers.md). It needs the feature container_services, and the role admin.", asPerson],
  },
  "containers update": { ...base, purpose: "Change the definition of a container service", operands: ["SLUG", "FILE"], options: ["json", ...signIn], notes: ["FILE has the members that change.", asPerson] },
  "containers deploy": { ...base, purpose: "Run a container service as it is defined now", operands: ["SLUG"], options: ["json", ...signIn], notes: [asPerson] },
  "containers stop": { ...base, purpose: "Stop a container service", operands: ["SLUG"], options: ["json", ...signIn], notes: [asPerson] },
  "containers delete": { ...base, purpose: "Delete a container service", operands: ["SLUG"], options: ["json", "yes", ...signIn], notes: [asPerson] },
  "tunnels open": {
    ...base,
    purpose: "Open a way through the gateway to a port of an agent's own host, and print its address",
    operands: ["AGENT"],
    options: ["json", "port", "protocol", "expiresIn", ...signIn],
    notes: ["AGENT is the name in agents list. Its own file has to name the port under tunnel_ports. Whoever has the address gets in, so hand it on with care.", asPerson],
  },
  "tunnels list": { ...base, purpose: "List the tunnels to an agent that are open", operands: ["AGENT"], options: ["json", ...signIn], notes: [asPerson] },
  "tunnels close": {
    ...base,
    purpose: "Close the tunnels to an agent, or one of them",
    operands: ["AGENT", "SESSION"],
    hasFreeOperands: true,
    options: ["json", ...signIn],
    notes: ["SESSION is that of tunnels list; without it all of them close, with what goes through them.", asPerson],
  },
  "tunnels forward": {
    ...base,
    purpose: "Let a port of this host lead to a port of an agent's, for ssh, psql and the like",
    operands: ["AGENT"],
    options: ["json", "port", "listen", "expiresIn", ...signIn],
    notes: ["It opens a tunnel of its own and closes it when it ends.", asPerson],
  },
  "agents list": { ...base, purpose: "List the team's agents and what they do", options: ["json", ...pages, ...signIn], notes: [byKey] },
} as const satisfies Record<string, CommandRow>;
