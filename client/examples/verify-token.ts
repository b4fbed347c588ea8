/** An API of one's own that takes the deployment's access tokens: `ISSUER` and `AUDIENCE`, the address of this API. */
import { createServer } from "node:http";
import { createTokenVerifier, TokenRefused } from "@cyberun/client/tokens";

const tokens = createTokenVerifier({ issuer: process.env["ISSUER"] ?? "http://localhost:9403", audience: process.env["AUDIENCE"] ?? "http://localhost:8080" });

const server = createServer((request, response) => {
  tokens.verify(request.headers.authorization, (request.headers["x-needs"] ?? "").toString().split(" ").filter(Boolean)).then(
    ({ subject, scopes }) => response.end(JSON.stringify({ subject, scopes: [...scopes] })),
    (error: unknown) => {
      if (!(error instanceof TokenRefused)) return response.writeHead(503).end();
      return response.writeHead(error.status, { "www-authenticate": error.challenge }).end();
    },
  );
});
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ address: server.address() })));
process.on("SIGTERM", () => server.close());
