/** The typed client: an operation's name to one request, with what makes repeats safe. */
import type { Answer, Api, ApiOptions, CallOptions, Input, OperationName } from "../api.d.ts";
import { routes } from "./routes.ts";

const RETRIES = 2;
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;
const PER_PAGE = 100;
const repeatable: readonly number[] = [429, 503];

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

interface Refusal {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: Members;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Members | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor({ status, retryAfterSeconds, body }: Refusal) {
    super(typeof body["error_message"] === "string" ? body["error_message"] : `The server answered ${status}.`);
    this.status = status;
    this.code = typeof body["error_code"] === "string" ? body["error_code"] : "unknown";
    this.hint = typeof body["hint"] === "string" ? body["hint"] : undefined;
    this.details = typeof body["details"] === "object" ? membersOf(body["details"]) : undefined;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

async function refusalOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  let body: Members = {};
  try {
    body = membersOf(JSON.parse(text));
  } catch {
    // A proxy's page: the status says enough.
  }
  return new ApiError({ status: response.status, body, retryAfterSeconds: Number.isFinite(after) ? after : undefined });
}

function urlOf(baseUrl: string, path: string, input: Members): string {
  const inPath = membersOf(input["path"]);
  const filled = path.replace(/:([a-z_]+)/g, (_all, name: string) => {
    const value = inPath[name];
    if (typeof value !== "string" || value === "" || value === "." || value === "..") throw new TypeError(`path.${name} is missing, or nothing that stands in an address`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(membersOf(input["query"]))) if (value !== undefined) query.set(name, String(value));
  return `${baseUrl.replace(/\/+$/, "")}${filled}${query.size === 0 ? "" : `?${query.toString()}`}`;
}

/** Throws what the signal was aborted with. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
  signal?.throwIfAborted();
}

async function headersFor({ credential, teamId }: ApiOptions, options: CallOptions, body: unknown): Promise<Record<string, string>> {
  const shown = typeof credential === "function" ? await credential() : credential;
  const team = options.teamId ?? teamId;
  return {
    ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
    ...(team === undefined ? {} : { "x-team-id": team }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(options.idempotencyKey === undefined ? {} : { "idempotency-key": options.idempotencyKey }),
  };
}

async function send(api: ApiOptions, operation: OperationName, { input, options }: { readonly input: Members; readonly options: CallOptions }): Promise<Response> {
  const [method, path] = routes[operation];
  const { body } = input;
  const { signal } = options;
  const url = urlOf(api.baseUrl, path, input);
  const ask = api.fetch ?? fetch;
  const mayRepeat = method === "GET" || options.idempotencyKey !== undefined;
  for (let left = mayRepeat ? (api.retriesMax ?? RETRIES) : 0, waitMs = RETRY_MS; ; left -= 1, waitMs *= 2) {
    try {
      const response = await ask(url, { method, redirect: "error", headers: await headersFor(api, options, body), ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }) });
      if (response.ok) return response;
      const refusal = await refusalOf(response);
      if (left <= 0 || !repeatable.includes(response.status)) throw refusal;
      await pause(Math.min(refusal.retryAfterSeconds === undefined ? waitMs : refusal.retryAfterSeconds * 1_000, RETRY_MS_MAX), signal);
    } catch (error) {
      if (error instanceof ApiError || error instanceof TypeError === false || left <= 0 || signal?.aborted === true) throw error;
      await pause(Math.min(waitMs, RETRY_MS_MAX), signal);
    }
  }
}

export function createApi(options: ApiOptions): Api {
  const open: Api["open"] = (operation, input, call = {}) => send(options, operation, { input: membersOf(input), options: call });
  async function answerTo(operation: OperationName, input: Members, more: CallOptions) {
    const text = await (await send(options, operation, { input, options: more })).text();
    return text === "" ? undefined : JSON.parse(text);
  }
  async function call<Name extends OperationName>(operation: Name, input: Input<Name>, more: CallOptions = {}): Promise<Answer<Name>> {
    return await answerTo(operation, membersOf(input), more);
  }
  async function* pages<Name extends OperationName>(operation: Name, input: Input<Name>, more: CallOptions = {}): AsyncGenerator<Answer<Name>> {
    for (let current_page = 1, seen = 0; ; current_page += 1) {
      const given = membersOf(input);
      const query = { per_page: PER_PAGE, ...membersOf(given["query"]), current_page };
      const answer = await answerTo(operation, { ...given, query }, more);
      yield answer;
      const { page_meta } = membersOf(answer);
      const { per_page, total_count } = membersOf(page_meta);
      seen += Number(per_page);
      // Without a count the answer is no page of a list, and there is no other.
      if (!(seen < Number(total_count))) return;
    }
  }
  return { call, open, pages };
}
