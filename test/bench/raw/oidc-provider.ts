/**
 * Client credentials as the npm package oidc-provider serves them, on the same runtime: an access token of RFC 9068, signed with
 * ES256, for a client that authenticates by client_secret_basic. It keeps what it keeps in memory.
 */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [readyFile = "", clientSecret = ""] = process.argv.slice(2);
const resource = "https://api.example";

const key = { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "one" };
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    jwks: { keys: [key] },
    clients: [{ client_id: "bench", client_secret: clientSecret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_basic", id_token_signed_response_alg: "ES256" }],
    scopes: ["read"],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: "read", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 3_600, jwt: { sign: { alg: "ES256" } } }),
      },
    },
  });
  server.on("request", provider.callback());
  writeFileSync(readyFile, JSON.stringify({ url: `http://127.0.0.1:${port}` }));
});
