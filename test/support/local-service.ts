/**
 * A service on an agent's own host: what it was asked, and every kind of answer.
 *
 *     using service = localService();
 *     service.port; service.requests
 */
export interface AskedOfService {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface LocalService extends Disposable {
  readonly port: number;
  readonly requests: readonly AskedOfService[];
  /** Ends of the WebSockets that were opened. */
  readonly ended: readonly number[];
}

export function localService(answers: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {}): LocalService {
  const requests: AskedOfService[] = [];
  const ended: number[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    idleTimeout: 0,
    async fetch(request, self) {
      const { pathname, search } = new URL(request.url);
      if (request.headers.get("upgrade") === "websocket") {
        requests.push({ method: request.method, path: pathname + search, headers: request.headers, body: "" });
        const protocol = request.headers.get("sec-websocket-protocol")?.split(",").at(-1)?.trim();
        return self.upgrade(request, { headers: protocol === undefined ? {} : { "sec-websocket-protocol": protocol } }) ? undefined : new Response(null, { status: 400 });
      }
      const answer = answers[pathname];
      if (answer !== undefined) return await answer(request);
      requests.push({ method: request.method, path: pathname + search, headers: request.headers, body: await request.text() });
      return Response.json({ path: pathname + search }, { headers: { "x-service": "local" } });
    },
    websocket: {
      message: (socket, message) => void socket.send(message),
      close: (_socket, code) => void ended.push(code),
    },
  });
  return { port: server.port ?? 0, requests, ended, [Symbol.dispose]: () => void server.stop(true) };
}
