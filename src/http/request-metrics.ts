/**
 * Requests of one role as Prometheus counts them: by route, method and class of the answer, and how long they took.
 *
 * Rule: labels come from our own tables, never from the address that was asked: a route's pattern, or `unmatched` for all
 * that reached none. A stream counts as answered once it is open, and so does a socket.
 */
import type { Metric } from "./metrics.ts";

/** Seconds; whatever takes longer stands in the last one. */
const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const UNMATCHED = "unmatched";
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export interface Answered {
  readonly method: string;
  /** Undefined when no route was reached. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

export class RequestMetrics {
  readonly #role: string;
  readonly #counts = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>();
  readonly #buckets: number[] = BOUNDS_SECONDS.map(() => 0);
  #inFlight = 0;
  #seconds = 0;
  #answered = 0;

  constructor(role: string) {
    this.#role = role;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end({ method, route = UNMATCHED, status, seconds }: Answered): void {
    this.#inFlight -= 1;
    this.#answered += 1;
    this.#seconds += seconds;
    const bucket = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    const labels = { role: this.#role, route, method: methods.has(method) ? method : "other", status: `${Math.floor(status / 100)}xx` };
    const key = `${labels.method} ${labels.status} ${route}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels, value: 1 });
    else known.value += 1;
  }

  metrics(): readonly Metric[] {
    const role = this.#role;
    let below = 0;
    const buckets = BOUNDS_SECONDS.map((bound, index) => {
      below += this.#buckets[index] ?? 0;
      return { suffix: "_bucket", labels: { role, le: String(bound) }, value: below };
    });
    return [
      { name: "cyberun_http_requests_total", help: "Requests that were answered.", type: "counter", samples: [...this.#counts.values()].map(({ labels, value }) => ({ labels, value })) },
      { name: "cyberun_http_requests_in_flight", help: "Requests that are being worked on.", type: "gauge", samples: [{ labels: { role }, value: this.#inFlight }] },
      {
        name: "cyberun_http_request_duration_seconds",
        help: "How long requests took until their answer began.",
        type: "histogram",
        samples: [
          ...buckets,
          { suffix: "_bucket", labels: { role, le: "+Inf" }, value: this.#answered },
          { suffix: "_sum", labels: { role }, value: this.#seconds },
          { suffix: "_count", labels: { role }, value: this.#answered },
        ],
      },
    ];
  }
}
