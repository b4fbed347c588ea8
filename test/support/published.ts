/** Documents that clients publish on the internet of a test: what `dial` gets to see, and how often it asked. */
import type { TestServices } from "./services.ts";

export interface Published {
  /** What stands at each address: JSON, raw text, or a status alone. An address that is not there does not answer. */
  readonly documents: Map<string, unknown>;
  /** Addresses in the order they were asked for. */
  readonly asked: string[];
  /** Forms that were posted, in their order. */
  readonly posted: { readonly url: string; readonly form: Readonly<Record<string, string>> }[];
}

function responseOf(document: unknown): { readonly status: number; readonly text: string } {
  if (typeof document === "number") return { status: document, text: "" };
  return { status: 200, text: typeof document === "string" ? document : JSON.stringify(document) };
}

/** Puts an internet under the services' dialler where every name leads to one public address. */
export function publish(services: TestServices): Published {
  const published: Published = { documents: new Map(), asked: [], posted: [] };
  services.replaceNetwork({
    resolve: async () => ["93.184.216.34"],
    exchange: async ({ url, body }) => {
      published.asked.push(url.href);
      // Others get their turn, as they do on a real network.
      await new Promise((resolve) => setImmediate(resolve));
      if (body !== undefined) published.posted.push({ url: url.href, form: Object.fromEntries(new URLSearchParams(body)) });
      const document = published.documents.get(url.href);
      if (document === undefined) throw new Error("connection refused");
      const { status, text } = responseOf(document);
      return { status, headers: new Headers(), body: new Uint8Array(Buffer.from(text)) };
    },
  });
  return published;
}
