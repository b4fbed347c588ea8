/**
 * Load of every kind upon one server, and a ledger of what it acknowledged: what was made has to be there after any number of kills,
 * what was ended has to stay ended. An answer that never came says nothing: the deed was done whole or not at all.
 */
import { createHash } from "node:crypto";

/** A site as one who signed in sees it; `key` is an integration's. */
export interface Caller {
  readonly api: string;
  readonly token: string;
  readonly teamId: string;
  readonly key: string;
}

export interface Thing {
  readonly id: string;
  /** What shows it: a key, a digest, an idempotency key. */
  readonly proof: string;
}

export interface Kind {
  /** As the audit log names it. */
  readonly name: string;
  make(caller: Caller, number: number): Promise<Thing>;
  /** Ends it. Without it nobody can. */
  unmake?(caller: Caller, thing: Thing): Promise<void>;
  isThere(caller: Caller, thing: Thing): Promise<boolean>;
  isGone(caller: Caller, thing: Thing): Promise<boolean>;
  /** SQL for the ids that are kept, and for those that are still in force. */
  readonly kept: string;
  readonly live: string;
  /** Whether a lost attempt is repeated by the same number, and not made anew. */
  readonly isRepeatable?: boolean;
}

/** No answer came, or one that says to come back. */
export class Lost extends Error {}

interface Asked {
  readonly method?: string;
  readonly body?: object;
  /** Default: the caller's token. A stranger shows none. */
  readonly bearer?: string | null;
  readonly teamId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask({ api, token, teamId }: Caller, path: string, asked: Asked = {}): Promise<Answer> {
  const shown = asked.bearer === null ? {} : { authorization: `Bearer ${asked.bearer ?? token}`, "x-team-id": asked.teamId ?? teamId };
  const headers = { ...shown, ...(asked.body === undefined ? {} : { "content-type": "application/json" }), ...asked.headers };
  const init = { method: asked.method ?? "GET", headers, ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }) };
  const { status, type, text } = await fetch(`${api}/api/v1${path}`, init)
    .then(async (response) => ({ status: response.status, type: response.headers.get("content-type"), text: await response.text() }))
    .catch((cause: unknown) => {
      throw new Lost("no answer", { cause });
    });
  if (status === 503) throw new Lost(text);
  return { status, body: /^application\/json\b/.test(type ?? "") ? JSON.parse(text) : {} };
}

async function acknowledged(caller: Caller, path: string, asked: Asked): Promise<Answer["body"]> {
  const { status, body } = await ask(caller, path, asked);
  if (status < 300) return body;
  throw new Error(`${asked.method ?? "GET"} ${path} was answered ${status}: ${JSON.stringify(body)}`);
}

const post = (body: object): Asked => ({ method: "POST", body });

/** There and gone by the status of one question. */
function shownBy(gone: number, question: (caller: Caller, thing: Thing) => Promise<Answer>): Pick<Kind, "isThere" | "isGone"> {
  return {
    isThere: async (caller, thing) => (await question(caller, thing)).status === 200,
    isGone: async (caller, thing) => (await question(caller, thing)).status === gone,
  };
}

const credential: Kind = {
  name: "credential",
  kept: "select id from credentials",
  live: "select id from credentials where revoked_at is null",
  async make(caller, number) {
    const { id, raw_key } = await acknowledged(caller, "/credentials", post({ kind: "integration", display_name: `Key ${number}` }));
    return { id: String(id), proof: String(raw_key) };
  },
  unmake: async (caller, { id }) => void (await acknowledged(caller, `/credentials/${id}`, { method: "DELETE" })),
  ...shownBy(401, (caller, { proof }) => ask(caller, "/r/agents", { bearer: proof })),
};

const webhook: Kind = {
  name: "webhook",
  kept: "select id from webhooks",
  live: "select id from webhooks",
  async make(caller, number) {
    const { id } = await acknowledged(caller, "/webhooks", post({ display_name: `Hook ${number}`, webhook_url: "https://hooks.invalid/x", webhook_events: ["task.failed"] }));
    return { id: String(id), proof: "" };
  },
  unmake: async (caller, { id }) => void (await acknowledged(caller, `/webhooks/${id}`, { method: "DELETE" })),
  ...shownBy(404, (caller, { id }) => ask(caller, `/webhooks/${id}`)),
};

async function invited(caller: Caller): Promise<readonly string[]> {
  const { invitation_list } = await acknowledged(caller, "/invitations?per_page=100", {});
  return Array.isArray(invitation_list) ? invitation_list.map((each: { readonly id: string }) => each.id) : [];
}

const invitation: Kind = {
  name: "invitation",
  kept: "select id from invitations",
  live: "select id from invitations",
  async make(caller, number) {
    const { id } = await acknowledged(caller, "/invitations", post({ email_address: `guest-${number}@example.com`, invitation_role: "member" }));
    return { id: String(id), proof: "" };
  },
  unmake: async (caller, { id }) => void (await acknowledged(caller, `/invitations/${id}`, { method: "DELETE" })),
  isThere: async (caller, { id }) => (await invited(caller)).includes(id),
  isGone: async (caller, { id }) => !(await invited(caller)).includes(id),
};

const team: Kind = {
  name: "team",
  kept: "select id from teams",
  live: "select id from teams",
  async make(caller, number) {
    return { id: String((await acknowledged(caller, "/teams", post({ display_name: `Team ${number}` })))["id"]), proof: "" };
  },
  unmake: async (caller, { id }) => void (await acknowledged(caller, "/teams/current", { method: "DELETE", teamId: id })),
  isThere: async (caller, { id }) => (await ask(caller, "/teams/current", { teamId: id })).status === 200,
  isGone: async (caller, { id }) => [403, 404].includes((await ask(caller, "/teams/current", { teamId: id })).status),
};

const FILE_BYTES_MAX = 65_536;
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const file: Kind = {
  name: "file",
  kept: "select id from files where status = 'stored'",
  live: "select id from files where status = 'stored'",
  async make(caller, number) {
    const bytes = Buffer.alloc(1 + ((number * 7_919) % FILE_BYTES_MAX), `${number} `);
    const { file_key, upload_url, upload_headers } = await acknowledged(caller, "/r/files/presign", { ...post({ file_name: "a.bin", file_size: bytes.length, content_type: "application/octet-stream" }), bearer: caller.key });
    const headers = new Headers(typeof upload_headers === "object" && upload_headers !== null ? Object.entries(upload_headers) : []);
    const { status } = await fetch(String(upload_url), { method: "PUT", body: bytes, headers }).catch((cause: unknown) => {
      throw new Lost("no answer", { cause });
    });
    if (status === 503) throw new Lost("503");
    if (status !== 204) throw new Error(`an upload was answered ${status}`);
    return { id: String(file_key).split("/")[2] ?? "", proof: `${String(file_key)} ${digestOf(bytes)}` };
  },
  async isThere(caller, { proof }) {
    const [file_key, sha256] = proof.split(" ");
    const { download_url } = await acknowledged(caller, "/r/files/presign-download", { ...post({ file_key }), bearer: caller.key });
    return digestOf(await (await fetch(String(download_url))).bytes()) === sha256;
  },
  isGone: async () => false,
};

/** Access and refresh tokens of sessions, which change with each use. */
const tokens = new Map<string, { readonly access: string; readonly refresh: string }>();

function keepTokens({ access_token, refresh_token }: Answer["body"]): string {
  const { sid }: { readonly sid?: unknown } = JSON.parse(Buffer.from(String(access_token).split(".")[1] ?? "", "base64url").toString("utf8"));
  tokens.set(String(sid), { access: String(access_token), refresh: String(refresh_token) });
  return String(sid);
}

async function refreshed(caller: Caller, { id }: Thing): Promise<Answer> {
  const answer = await ask(caller, "/auth/refresh", { ...post({ refresh_token: tokens.get(id)?.refresh ?? "" }), bearer: null });
  if (answer.status === 200) keepTokens(answer.body);
  return answer;
}

/** The person who signs in. */
export interface Person {
  readonly email_address: string;
  readonly user_password: string;
}

const session = (person: Person): Kind => ({
  name: "session",
  kept: "select id from sessions",
  live: "select id from sessions where ended_at is null",
  make: async (caller) => ({ id: keepTokens(await acknowledged(caller, "/auth/login", { ...post(person), bearer: null })), proof: "" }),
  async unmake(caller, thing) {
    // A token that was exchanged before its session ends.
    if ((await refreshed(caller, thing)).status !== 200) throw new Error(`session ${thing.id} is refused while it lives`);
    await acknowledged(caller, "/auth/logout", { method: "POST", bearer: tokens.get(thing.id)?.access ?? "" });
  },
  ...shownBy(401, refreshed),
});

const run = (caller: Caller, attempt: string) => acknowledged(caller, "/r/workflows/slug/work/run", { ...post({ parameters: {} }), bearer: caller.key, headers: { "idempotency-key": attempt } });

/** Cancelling one that has ended changes nothing, and is acknowledged too. */
const task: Kind = {
  name: "task",
  isRepeatable: true,
  kept: "select id from tasks",
  live: "select id from tasks where status not in ('completed', 'failed', 'cancelled')",
  make: async (caller, number) => ({ id: String((await run(caller, `task-${number}`))["task_id"]), proof: `task-${number}` }),
  unmake: async (caller, { id }) => void (await acknowledged(caller, `/r/tasks/${id}/cancel`, { method: "POST", bearer: caller.key })),
  isThere: async (caller, { id, proof }) => (await run(caller, proof))["task_id"] === id,
  isGone: async (caller, { id }) => ["completed", "failed", "cancelled"].includes(String((await ask(caller, `/r/tasks/${id}`, { bearer: caller.key })).body["task_status"])),
};

export const kindsFor = (person: Person): readonly Kind[] => [credential, webhook, invitation, team, file, session(person), task];

/** Reads of the audit log, page by page and as lines, beside all of it. */
export async function readAudit(caller: Caller): Promise<void> {
  await acknowledged(caller, "/audit?per_page=50", {});
  await acknowledged(caller, "/audit/export?operation=credential", {});
}

/** Names the caller's team by a number. */
export async function renameTeam(caller: Caller, number: number): Promise<void> {
  await acknowledged(caller, "/teams/current", { method: "PUT", body: { display_name: `Blue ${number}` } });
}

export async function teamNumber(caller: Caller): Promise<number> {
  return Number(/\d+$/.exec(String((await acknowledged(caller, "/teams/current", {}))["display_name"]))?.[0] ?? 0);
}
