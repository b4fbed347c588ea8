/** `cyberun tunnels …` against a real API server and an agent that lets tunnels in. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startAgent } from "../support/command-agent.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type LocalService, localService } from "../support/local-service.ts";
import { type PeopleCommands, peopleCommands } from "../support/people-commands.ts";
import { addKey } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let cli: PeopleCommands;
let folder: Folder;
let service: LocalService;
let agent: ReturnType<typeof startAgent>;
beforeAll(async () => {
  site = await startRoles();
  cli = await peopleCommands(site);
  folder = temporaryFolder();
  service = localService();
  const { rawKey } = await addKey(site.gate, site.people.owner, "agent");
  agent = startAgent({ services: site.gate.services, folder: folder.path, url: () => site.urls.gateway, rawKey, commands: {}, tunnelPorts: [service.port] });
  await eventually(async () => JSON.stringify((await cli.device(["agents", "list"])).body).includes("node-1"));
});
afterAll(async () => {
  agent.agent.abandon();
  await site.close();
  service[Symbol.dispose]();
  folder[Symbol.dispose]();
});

test("a tunnel is opened, used, listed and closed", async () => {
  const opened = await cli.plain(["tunnels", "open", "node-1", "--port", String(service.port), "--expires-in", "600"]);
  expect([opened.exit, opened.out]).toEqual([0, expect.stringMatching(/^http:\/\/\S+\/tunnel\/\S+\/\nWhoever has this address gets in until \S+, or until cyberun tunnels close node-1\.\n$/)]);
  const [address = ""] = opened.out.split("\n");
  expect((await fetch(address)).status).toBe(200);
  const listed = await cli.device(["tunnels", "list", "node-1"]);
  expect(listed.body).toMatchObject({ is_active: true, tunnel_url: address, tunnel_list: [{ target_port: service.port, tunnel_protocol: "http" }] });
  expect((await cli.plain(["tunnels", "list", "node-1"])).out).toContain(address);
  expect((await cli.device(["tunnels", "close", "node-1", "00000000-0000-7000-8000-000000000000"])).exit).toBe(5);
  expect((await cli.device(["tunnels", "close", "node-1"])).body).toEqual({ schema_version: 1, agent_id: "node-1", session_id: null, is_closed: true });
  expect((await cli.plain(["tunnels", "list", "node-1"])).out).toBe("No tunnel to the agent is open.\n");
  expect((await fetch(address)).status).toBe(404);
});

test("what cannot be opened is said with what would make it work", async () => {
  const port = await cli.device(["tunnels", "open", "node-1", "--port", "22"]);
  expect([port.exit, port.error["hint"]]).toEqual([6, expect.stringContaining("tunnel_ports")]);
  expect((await cli.device(["tunnels", "open", "node-9"])).exit).toBe(5);
  for (const words of [["open", "../x"], ["open", "node-1", "--expires-in", "5"], ["open", "node-1", "--protocol", "udp"], ["forward", "node-1", "--listen", "x"]]) {
    expect([words, (await cli.device(["tunnels", ...words])).exit]).toEqual([words, 2]);
  }
});
