/** `cyberun login`, `logout`, `whoami` and `devices` against a real API server: what is printed, kept, ended and refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listDevices } from "../../src/credentials/device-keys.ts";
import { confirmPairing, refusePairing } from "../../src/credentials/pairing.ts";
import { findCommandProblem } from "../../src/cli/answer-schemas.ts";
import { dispatch } from "../../src/cli/dispatch.ts";
import type { Services } from "../../src/services.ts";
import { run as runAny } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { addKey } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";
import { recordedTerminal } from "../support/terminal.ts";

let site: TestRoles;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());

type Environment = Readonly<Record<string, string>>;

function home(path: string, more: Environment = {}): Environment {
  return { XDG_CONFIG_HOME: path, CYBERUN_API_URL: site.urls.api, ...more };
}

const run = async (argv: readonly string[], environment: Environment, services: Services = site.world.services) => await runAny(argv, { environment, services });
const fileOf = (folder: string, profile = "default") => join(folder, "cyberun", "profiles", `${profile}.json`);

interface Kept {
  readonly raw_key: string;
  readonly agent_key: string;
}
const keptIn = (folder: string, profile = "default"): Kept => JSON.parse(readFileSync(fileOf(folder, profile), "utf8"));

const CODE = /[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}/;

/** A login whose code is handed to `decide` as soon as it is shown. Time goes on until it ends. */
async function login(environment: Environment, decide: (userCode: string) => Promise<unknown>, more: readonly string[] = []) {
  const terminal = recordedTerminal();
  const { clock } = site.world.services;
  let underWay = 0;
  const services: Services = {
    ...site.world.services,
    async fetch(url, init) {
      underWay += 1;
      try {
        return await site.world.services.fetch(url, init);
      } finally {
        underWay -= 1;
      }
    },
  };
  let exit: number | undefined;
  const ended = dispatch(["login", ...more], { environment, services, workingDirectory: "/", terminal, findAnswerProblem: findCommandProblem }).then((code) => (exit = code));
  await eventually(() => exit !== undefined || CODE.test(terminal.printed.err));
  const [code] = CODE.exec(terminal.printed.err) ?? [];
  if (code !== undefined) await decide(code);
  await eventually(() => {
    // Not while a request is under way, whose time would be up before its answer is there.
    if (exit === undefined && underWay === 0) clock.advance(100);
    return exit !== undefined;
  });
  await ended;
  return { exit, code, ...terminal.printed };
}

const confirm = async (user_code: string) => await confirmPairing(site.gate, site.people.owner, { user_code, device_name: "Laptop" });

describe("login", () => {
  test("shows code and address, waits for a person, keeps the keys for this user alone and says who is signed in", async () => {
    using folder = temporaryFolder();
    const { exit, out, err, code } = await login(home(folder.path), confirm);
    expect([exit, err.includes(`${site.urls.api}/desktop/pair?user_code=${code}`), err.includes("within 5 minutes")]).toEqual([0, true, true]);
    for (const line of ["Signed in.", "Person    Ada Lovelace (ada@example.com)", "Device    Laptop", `Team      First (${site.people.teamId})`, "Profile   default"]) expect(out).toContain(line);
    const { raw_key, agent_key } = keptIn(folder.path);
    expect([statSync(fileOf(folder.path)).mode & 0o777, statSync(join(folder.path, "cyberun")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect([raw_key, agent_key]).toEqual([expect.stringMatching(/^dk-/), expect.stringMatching(/^ak-/)]);
    for (const secret of [raw_key, agent_key, raw_key.slice(12), agent_key.slice(12)]) expect([out.includes(secret), err.includes(secret)]).toEqual([false, false]);
    expect((await site.call("/api/v1/users/me", { as: bearer(raw_key) })).status).toBe(200);
  });

  test("speaks JSON in both places when it is asked to, without a key in either", async () => {
    using folder = temporaryFolder();
    const { exit, out, err, code } = await login(home(folder.path), confirm, ["--json"]);
    expect(exit).toBe(0);
    expect(JSON.parse(err)).toEqual({ schema_version: 1, user_code: code, verification_uri: `${site.urls.api}/desktop/pair?user_code=${code}`, expires_in: 300 });
    expect(JSON.parse(out)).toEqual({
      schema_version: 1,
      api_url: site.urls.api,
      profile: "default",
      user: { id: site.people.owner.userId, display_name: "Ada Lovelace", email_address: "ada@example.com" },
      device: { id: expect.any(String), display_name: "Laptop", team_id: site.people.teamId, team_name: "First" },
    });
  });

  test("ends in 5 when the code was refused or nobody came, and keeps nothing", async () => {
    using folder = temporaryFolder();
    const refused = await login(home(folder.path), async (user_code) => await refusePairing(site.gate, site.people.owner, { user_code }));
    const late = await login(home(folder.path), async () => {});
    for (const { exit, out, err } of [refused, late]) expect([exit, out, err.includes("Run cyberun login again.")]).toEqual([5, "", true]);
    expect(existsSync(fileOf(folder.path))).toBe(false);
  }, 60_000);

  test("again takes the place of the sign-in before, whose keys end then and not before", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const first = keptIn(folder.path);
    const failed = await login(home(folder.path), async (user_code) => await refusePairing(site.gate, site.people.owner, { user_code }));
    expect([failed.exit, keptIn(folder.path).raw_key, (await site.call("/api/v1/users/me", { as: bearer(first.raw_key) })).status]).toEqual([5, first.raw_key, 200]);
    await login(home(folder.path), confirm);
    const second = keptIn(folder.path);
    expect(second.raw_key).not.toBe(first.raw_key);
    expect((await site.call("/api/v1/users/me", { as: bearer(first.raw_key) })).status).toBe(401);
    expect((await site.call("/api/v1/users/me", { as: bearer(second.raw_key) })).status).toBe(200);
  });

  test("goes on when the way to the server is cut for a while, and when the server asks it to slow down", async () => {
    using folder = temporaryFolder();
    const { services } = site.world;
    let polls = 0;
    services.replaceFetch(async (url, init) => {
      if (!url.endsWith("/poll")) return await fetch(url, init);
      polls += 1;
      if (polls === 1) throw new TypeError("connection refused");
      if (polls === 2) return new Response("<html>", { status: 502 });
      if (polls === 3) return Response.json({ error_message: "slow", error_code: "rate_limited" }, { status: 429, headers: { "retry-after": "1" } });
      return await fetch(url, init);
    });
    try {
      expect((await login(home(folder.path), confirm)).exit).toBe(0);
      expect(polls).toBeGreaterThanOrEqual(4);
    } finally {
      services.replaceFetch();
    }
  });

  test("begins nothing where the keys could not be kept", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "cyberun"), "a file in the way");
    const count = async () => (await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.deviceRequests))).length;
    const before = await count();
    expect((await run(["login"], home(folder.path))).exit).toBe(3);
    expect(await count()).toBe(before);
  });

  test.each([
    ["that is no Cyberun server", () => new Response("<html>hello</html>"), 3],
    ["that answers with JSON of its own", () => Response.json({ hello: true }), 3],
    ["whose address to open would write to the terminal", () => Response.json({ device_code: "x", user_code: "AB7K-PNQ3", verification_uri: "http://a/\u001b[2J", expires_in: 1, interval: 1 }), 3],
    ["whose code is none", () => Response.json({ device_code: "x", user_code: "\u001b[2J", verification_uri: "http://a/", expires_in: 1, interval: 1 }), 3],
    ["that is not licensed", () => Response.json({ error_code: "expired", error_message: "The license has ended\u001b[2J.", hint: "Renew it." }, { status: 503 }), 7],
    ["that sends it elsewhere", () => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:9/" } }), 3],
  ] as const)("at a server %s ends in a clear refusal", async (_name, answer, expected) => {
    using folder = temporaryFolder();
    await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, fetch: answer });
    const { exit, out, err } = await run(["login", "--api-url", server.url.origin], home(folder.path));
    expect([exit, out, err.includes("\u001b")]).toEqual([expected, "", false]);
    expect(existsSync(fileOf(folder.path))).toBe(false);
  });

  test("warns of plain HTTP to another host", async () => {
    using folder = temporaryFolder();
    site.world.services.replaceFetch(async () => new Response("", { status: 404 }));
    try {
      expect((await run(["login", "--api-url", "http://api.example"], home(folder.path))).err).toContain("in clear to http://api.example");
      expect((await run(["login", "--api-url", "https://api.example"], home(folder.path))).err).not.toContain("in clear");
      expect((await run(["login", "--api-url", "http://localhost:1"], home(folder.path))).err).not.toContain("in clear");
    } finally {
      site.world.services.replaceFetch();
    }
  });
});

describe("whoami", () => {
  test("tells person, device, team and server", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const { exit, out } = await run(["whoami"], { XDG_CONFIG_HOME: folder.path });
    expect([exit, out.includes("Device    Laptop"), out.includes(`Server    ${site.urls.api}`)]).toEqual([0, true, true]);
  });

  test("goes by CYBERUN_API_KEY before the profile, and refuses one that is no key without showing it", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    await login(home(folder.path), confirm);
    await login(home(other.path), confirm);
    const { raw_key } = keptIn(other.path);
    const { exit, out } = await run(["whoami", "--json"], home(folder.path, { CYBERUN_API_KEY: raw_key }));
    expect([exit, JSON.parse(out).profile, JSON.parse(out).device.id]).toEqual([0, null, JSON.parse((await run(["whoami", "--json"], home(other.path))).out).device.id]);
    expect(out).not.toContain(raw_key);
    const bad = await run(["whoami"], home(folder.path, { CYBERUN_API_KEY: "two words\nand a line" }));
    expect([bad.exit, bad.out, bad.err.includes("two words")]).toEqual([2, "", false]);
  });

  test("ends in 4 without a sign-in, with a key that is good no more, and with one that stands for nobody", async () => {
    using folder = temporaryFolder();
    const none = await run(["whoami"], home(folder.path));
    expect([none.exit, none.out, none.err.includes("Run cyberun login")]).toEqual([4, "", true]);
    const { rawKey } = await addKey(site.gate, site.people.owner, "integration");
    expect((await run(["whoami"], home(folder.path, { CYBERUN_API_KEY: rawKey }))).exit).toBe(4);
    expect((await run(["whoami"], home(folder.path, { CYBERUN_API_KEY: "dk-nothing" }))).exit).toBe(4);
    const gone = await run(["whoami"], { XDG_CONFIG_HOME: folder.path, CYBERUN_API_KEY: rawKey, CYBERUN_API_URL: "http://127.0.0.1:1" });
    expect([gone.exit, gone.err.includes(rawKey)]).toEqual([3, false]);
  });

  test("sends the profile's key to no other address than its own", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const seen: string[] = [];
    await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, fetch: (request) => (seen.push(request.url), new Response("")) });
    const { exit, err } = await run(["whoami", "--api-url", server.url.origin], { XDG_CONFIG_HOME: folder.path });
    expect([exit, seen, err.includes(site.urls.api)]).toEqual([2, [], true]);
  });

  test("reads no profile that others may read, or that is damaged", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const file = fileOf(folder.path);
    for (const mode of [0o640, 0o604, 0o666]) {
      chmodSync(file, mode);
      const { exit, err } = await run(["whoami"], home(folder.path));
      expect([mode, exit, err.includes(`chmod 600 ${file}`)]).toEqual([mode, 4, true]);
    }
    chmodSync(file, 0o600);
    for (const content of ["", "{", "[]", '{"format":2}', '{"format":1,"api_url":"x"}']) {
      writeFileSync(file, content);
      expect([content, (await run(["whoami"], home(folder.path))).exit]).toEqual([content, 2]);
    }
  });
});

describe("profiles", () => {
  test("are apart from each other, and named by flag or variable", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm, ["--profile", "work"]);
    expect(existsSync(fileOf(folder.path, "work"))).toBe(true);
    expect((await run(["whoami"], home(folder.path))).exit).toBe(4);
    expect((await run(["whoami"], home(folder.path, { CYBERUN_PROFILE: "work" }))).out).toContain("Profile   work");
  });

  test.each(["../x", "a/b", "", ".", "-x", "a b", "x".repeat(65)])("cannot be called %j", async (profile) => {
    using folder = temporaryFolder();
    expect((await run(["whoami", `--profile=${profile}`], home(folder.path))).exit).toBe(2);
  });

  test("lie in ~/.config where nothing else is said, and a relative XDG_CONFIG_HOME says nothing", async () => {
    using folder = temporaryFolder();
    for (const environment of [{}, { XDG_CONFIG_HOME: "" }, { XDG_CONFIG_HOME: "relative" }]) {
      const { exit } = await login({ HOME: folder.path, CYBERUN_API_URL: site.urls.api, ...environment }, confirm);
      expect([exit, existsSync(fileOf(join(folder.path, ".config")))]).toEqual([0, true]);
    }
  });
});

describe("logout", () => {
  test("ends both keys and forgets them; again there is nothing to do", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const { raw_key, agent_key } = keptIn(folder.path);
    expect((await run(["logout"], home(folder.path))).exit).toBe(0);
    expect(existsSync(fileOf(folder.path))).toBe(false);
    expect((await site.call("/api/v1/users/me", { as: bearer(raw_key) })).status).toBe(401);
    expect((await site.call("/v1/connect", { as: bearer(agent_key), role: "gateway" })).status).toBe(401);
    const again = await run(["logout", "--json"], home(folder.path));
    expect([again.exit, JSON.parse(again.out)]).toEqual([0, { schema_version: 1, profile: "default", is_signed_out: true }]);
  });

  test("keeps the keys while the server cannot be reached, and forgets those that are good no more", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    site.world.services.replaceFetch(async () => {
      throw new TypeError("connection refused");
    });
    const cut = await run(["logout"], home(folder.path));
    site.world.services.replaceFetch();
    expect([cut.exit, existsSync(fileOf(folder.path))]).toEqual([3, true]);
    await site.call("/api/v1/auth/device/revoke", { method: "POST", as: bearer(keptIn(folder.path).raw_key) });
    expect([(await run(["logout"], home(folder.path))).exit, existsSync(fileOf(folder.path))]).toEqual([0, false]);
  });

  test("leaves a key in CYBERUN_API_KEY alone", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    await login(home(folder.path), confirm);
    const { raw_key } = keptIn(folder.path);
    expect((await run(["logout"], home(other.path, { CYBERUN_API_KEY: raw_key }))).exit).toBe(0);
    expect((await site.call("/api/v1/users/me", { as: bearer(raw_key) })).status).toBe(200);
  });
});

describe("devices", () => {
  test("are listed, marked and revoked", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    await login(home(folder.path), confirm);
    await login(home(other.path), confirm);
    const { device } = JSON.parse((await run(["whoami", "--json"], home(other.path))).out);
    const list = await run(["devices", "list"], home(folder.path));
    expect([list.exit, list.out.includes(device.id), list.out.match(/ {2}this device$/gm)?.length]).toEqual([0, true, 1]);
    const { devices } = JSON.parse((await run(["devices", "list", "--json"], home(folder.path))).out);
    expect(devices).toHaveLength((await listDevices(site.gate, site.people.owner, {})).page_meta.total_count);
    expect((await run(["devices", "revoke", device.id], home(folder.path))).exit).toBe(0);
    expect((await run(["whoami"], home(other.path))).exit).toBe(4);
    expect((await run(["devices", "list"], home(folder.path))).out).not.toContain(device.id);
  });

  test("that are no device of this person's are refused with the code that says so", async () => {
    using folder = temporaryFolder();
    await login(home(folder.path), confirm);
    const { raw_key } = keptIn(folder.path);
    for (const [id, exit] of [["00000000-0000-7000-8000-00000000000f", 5], ["x", 2], ["../teams", 2], [raw_key.slice(0, 12), 2]] as const) {
      expect([id, (await run(["devices", "revoke", id], home(folder.path))).exit]).toEqual([id, exit]);
    }
    expect((await run(["devices", "revoke"], home(folder.path))).exit).toBe(2);
    expect((await run(["devices", "list"], home(folder.path))).exit).toBe(0);
  });
});

test("a process of its own waits for the person, with nothing but a timer to live for", async () => {
  using folder = temporaryFolder();
  const environment = { PATH: process.env["PATH"] ?? "", HOME: folder.path, CYBERUN_API_URL: site.urls.api };
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, "../../src/main.ts"), "login"], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const reader = child.stderr.getReader();
  let shown = "";
  while (!CODE.test(shown)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`it ended after ${shown}`);
    shown += Buffer.from(value).toString();
  }
  await confirm(CODE.exec(shown)?.[0] ?? "");
  expect([await child.exited, (await child.stdout.text()).includes("Signed in."), statSync(fileOf(join(folder.path, ".config"))).mode & 0o777]).toEqual([0, true, 0o600]);
});

test("the commands for people take no setting of a server, and a server takes none of theirs", async () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "data"));
  for (const argv of [["whoami", "--data-dir", folder.path], ["login", "--api-port", "1"], ["serve", "--profile", "x"], ["serve", "--api-url", "http://a"]]) {
    expect([argv, (await run(argv, home(folder.path))).exit]).toEqual([argv, 2]);
  }
});
