/** A typed client of the API: every operation of the deployment's OpenAPI document, by its name. */
import type { Operations } from "./operations.d.ts";

export type OperationName = keyof Operations;

/** What an operation takes. Members that it does not know are left out. */
export type Input<Name extends OperationName> = Members<"path", Operations[Name]["path"]> & Members<"query", Operations[Name]["query"]> & Members<"body", Operations[Name]["body"]>;

type Members<Key extends string, Value> = Value extends undefined ? unknown : {} extends Value ? { readonly [Each in Key]?: Value } : { readonly [Each in Key]: Value };

export type Answer<Name extends OperationName> = Operations[Name]["answer"];

export interface CallOptions {
  /** A repeat with the same key does it once; then a lost answer is asked for again by itself. */
  readonly idempotencyKey?: string;
  /** Team to act in, for a person's token. Keys belong to one team. */
  readonly teamId?: string;
  readonly signal?: AbortSignal;
}

export interface ApiOptions {
  /** Address of the API server, such as https://cyberun.example. */
  readonly baseUrl: string;
  /** An `sk-` or `dk-` key, or a person's access token; a function is asked for each call. Left out, nothing is shown. */
  readonly credential?: string | (() => string | Promise<string>);
  readonly teamId?: string;
  /** In place of the runtime's own. */
  readonly fetch?: typeof fetch;
  /** How often a call that may be repeated is asked again after 429, 503 or a cut; 2 unless it is said. */
  readonly retriesMax?: number;
}

/** A refusal of the API. `code` is one of a closed set; `hint` says what would make it work. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** Seconds after which a repeat makes sense, where the server says so. */
  readonly retryAfterSeconds: number | undefined;
}

export interface Api {
  /** Calls an operation. Throws {@link ApiError} for a refusal, and what `fetch` throws when nothing answers. */
  call<Name extends OperationName>(operation: Name, input: Input<Name>, options?: CallOptions): Promise<Answer<Name>>;
  /** The answer itself, for what is no JSON document: a stream of events, a file. Throws {@link ApiError} as well. */
  open<Name extends OperationName>(operation: Name, input: Input<Name>, options?: CallOptions): Promise<Response>;
  /** Every page of a list, one after the other. */
  pages<Name extends OperationName>(operation: Name, input: Input<Name>, options?: CallOptions): AsyncGenerator<Answer<Name>>;
}

export function createApi(options: ApiOptions): Api;
