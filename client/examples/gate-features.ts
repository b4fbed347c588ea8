/**
 * A product that sells its export by the deployment's license: 200 while the license carries the feature, 403 when it does not, 503 while
 * the license is not good. `LICENSE_SERVERS`, `LICENSE_KEYS_FILE`, `STATE_DIR` and, the first time, `JOIN_TOKEN_FILE`.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { NotLicensed, openLease } from "@cyberun/client/lease";

const joinTokenFile = process.env["JOIN_TOKEN_FILE"];
const lease = await openLease({
  servers: (process.env["LICENSE_SERVERS"] ?? "http://localhost:9400").split(","),
  stateDir: process.env["STATE_DIR"] ?? "./lease",
  // A real product has the vendor's keys inside, not in a file beside it.
  licenseKeys: JSON.parse(readFileSync(process.env["LICENSE_KEYS_FILE"] ?? "license-keys.json", "utf8")),
  ...(joinTokenFile === undefined ? {} : { joinToken: readFileSync(joinTokenFile, "utf8") }),
  version: "1.0",
});
lease.onChange(({ state }) => console.log(JSON.stringify({ state })));

const server = createServer((request, response) => {
  try {
    lease.require("team", (request.url ?? "/").slice(1));
    response.end(JSON.stringify({ agents: lease.quota("team", "max_agents") }));
  } catch (error) {
    if (!(error instanceof NotLicensed)) throw error;
    response.writeHead(error.status).end(JSON.stringify({ code: error.code, hint: error.hint }));
  }
});
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ address: server.address(), standing: lease.standing() })));
process.on("SIGTERM", () => {
  server.close();
  void lease.close();
});
