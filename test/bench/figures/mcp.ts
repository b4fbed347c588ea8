/** Tool calls over MCP: a page of workflows, asked for by sixteen programs at once. */
import { join } from "node:path";
import { foundTeam } from "../administrator.ts";
import { startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared } from "../figure.ts";
import { startLoad } from "../load/load.ts";
import { loadRounds, medianLatency, processorNotes } from "../load/rounds.ts";
import { column } from "../rounds.ts";
import { startRawRequests } from "./requests.ts";

const CONNECTIONS = 16;
const ROUND_SECONDS = 2;
const ROUNDS = 5;
const P99_MS_MAX = 15;
const REVISION = "2026-07-28";

const envelope = { "io.modelcontextprotocol/protocolVersion": REVISION, "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} };
const call = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_workflows", arguments: {}, _meta: envelope } });

export const mcpCalls: Bench = {
  name: "mcp",
  title: "MCP",
  async measure(place) {
    await using deployment = await startDeployment({ executable: join(place.dist, "cyberun"), dataDir: join(place.scratch, "data") });
    const key = await foundTeam(deployment);
    await using raw = await startRawRequests(place, key);
    await using load = startLoad();
    const headers = { authorization: `Bearer ${key}`, accept: "application/json, text/event-stream", "mcp-protocol-version": REVISION, "mcp-method": "tools/call", "mcp-name": "list_workflows" };
    const run = (url: string) => load.run({ kind: "requests", url, headers, body: call, connections: CONNECTIONS, seconds: ROUND_SECONDS });
    const pairs = await loadRounds({
      rounds: ROUNDS,
      warmUps: 1,
      ours: { pid: deployment.process.pid, run: () => run(new URL("/api/v1/mcp", deployment.addresses.api).href) },
      raw: { pid: raw.process.pid, run: () => run(new URL("/workflows", raw.url).href) },
    });
    const p99 = compared(column(pairs, ({ latencyMs }) => latencyMs.p99));
    return [
      {
        name: "mcp.call",
        title: `tools/call of list_workflows, ${CONNECTIONS} connections: p99`,
        unit: "ms",
        rawLoop: "Bun.serve: HMAC-SHA-256 of the key, two prepared look-ups in bun:sqlite, JSON; no protocol, no schema, no license, no team rules",
        ...p99,
        latencyMs: medianLatency(pairs),
        bars: [atMost("p99 in ms", P99_MS_MAX, p99.ours.median)],
        notes: [`Revision ${REVISION}: each request stands by itself, so each makes a server of the official SDK with its tools.`, ...processorNotes(pairs, "call")],
      },
    ];
  },
};
