/**
 * The raw loop of a start: four listeners that answer `/readyz` and a file with their addresses, nothing else.
 * Compiled with the same switches as the product, so that what is left of the difference is the product's own work.
 */
import { writeFileSync } from "node:fs";

const [readyFile = ""] = process.argv.slice(2);
const roles = ["license", "api", "gateway", "issuer"] as const;

const addresses = roles.map((role) => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, routes: { "/readyz": () => Response.json({ role, status: "ready" }) } });
  return [role, server.url.origin];
});
writeFileSync(readyFile, JSON.stringify(Object.fromEntries(addresses)));
