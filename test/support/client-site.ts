/**
 * A client's own web site, as a real browser is sent back to it: on loopback, and it says one word.
 *
 * A name that nobody serves would not do: what the browser asks for after a redirection is not open to a test's stand-ins, and
 * whether the test or the failed look-up of the name comes first is chance.
 */
export interface ClientSite extends Disposable {
  readonly redirectUri: string;
}

export function openClientSite(): ClientSite {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<title>app</title>arrived", { headers: { "content-type": "text/html" } }) });
  return { redirectUri: new URL("/cb", server.url).href, [Symbol.dispose]: () => void server.stop(true) };
}
