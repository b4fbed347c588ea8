import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { withExtraCa } from "../src/certificates.ts";
import { dial, DIAL_BODY_BYTES_MAX, DIAL_MS_MAX, type DialRequest, findDialAllowance } from "../src/dialler.ts";
import { Fault } from "../src/fault.ts";
import type { Exchange } from "../src/network.ts";
import type { Services } from "../src/services.ts";
import { testAuthority } from "./support/certificates.ts";
import { eventually } from "./support/eventually.ts";
import { temporaryFolder } from "./support/folder.ts";
import { testServices } from "./support/services.ts";
import { testNeeding } from "./support/skip.ts";

function allowed(...texts: readonly string[]) {
  const dialAllow = texts.map((text) => {
    const allowance = findDialAllowance(text);
    if (allowance === undefined) throw new Error(`${text} is no allowance`);
    return allowance;
  });
  return { dialAllow };
}

/** What the dialler does with an address whose name leads to `addresses`; the network itself answers everybody. */
async function outcomeOf(url: string, { addresses = ["93.184.216.34"], allow = [] }: { readonly addresses?: readonly string[]; readonly allow?: readonly string[] } = {}) {
  const services = testServices();
  const resolved: string[] = [];
  const exchanges: Exchange[] = [];
  services.replaceNetwork({
    resolve: async (hostname) => {
      resolved.push(hostname);
      return addresses;
    },
    exchange: async (exchange) => {
      exchanges.push(exchange);
      return { status: 200, headers: new Headers(), body: new Uint8Array() };
    },
  });
  const fault = await faultOf({ services, settings: allowed(...allow) }, { url });
  expect(services.clock.timers()).toBe(0);
  return { fault, resolved, exchanges };
}

async function faultOf(site: Parameters<typeof dial>[0], request: DialRequest): Promise<Fault | undefined> {
  try {
    await dial(site, request);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** GHSA-… classes of advisory 48: zitadel, hydra, pocket-id, better-auth. */
const forbiddenAddresses = [
  ...["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "192.0.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1"],
];

describe("addresses that are refused", () => {
  test.each(forbiddenAddresses)("a name that leads to %s", async (address) => {
    for (const addresses of [[address], ["93.184.216.34", address], [address, "2600::1"]]) {
      const { fault, exchanges } = await outcomeOf("https://rp.example/jwks", { addresses });
      expect(fault).toMatchObject({ code: "invalid_request" });
      expect(`${fault?.message} ${fault?.hint}`).not.toContain(address);
      expect(`${fault?.cause}`).toContain(address);
      expect(exchanges).toEqual([]);
    }
  });

  test.each(forbiddenAddresses)("%s itself, without asking a resolver", async (address) => {
    const host = address.includes(":") ? `[${address}]` : address;
    for (const url of [`https://${host}/`, `https://${host}:8443/x`]) {
      const { fault, resolved, exchanges } = await outcomeOf(url);
      expect([fault?.code, resolved, exchanges]).toEqual(["invalid_request", [], []]);
    }
  });

  test.each([
    ...["http://rp.example/", "http://93.184.216.34/", "ftp://rp.example/", "file:///etc/passwd", "gopher://rp.example/", "data:application/json,{}", "javascript:1", "unix:/run/x", "blob:https://rp.example/1"],
    ...["", "rp.example", "//rp.example/", "https://", "https:///x:y", "https://u@rp.example/", "https://u:p@rp.example/", "https://:p@rp.example/", `https://rp.example/${"x".repeat(2_048)}`],
    ...["https://rp.example:22/", "https://rp.example:25/", "https://rp.example:80/", "https://rp.example:1023/", "https://rp.example:99999/", "https://[fe80::1%25eth0]/"],
    ...["https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0/", "https://127.0.0.1./", "https://①②⑦.0.0.1/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:0:0:1]/"],
  ])("%s", async (url) => {
    const { fault, exchanges } = await outcomeOf(url);
    expect([fault?.code, exchanges]).toEqual(["invalid_request", []]);
  });

  test("a name that leads nowhere, or to what is no address", async () => {
    for (const addresses of [[], ["fe80::1%eth0"], ["example"]]) {
      expect((await outcomeOf("https://rp.example/", { addresses })).fault).toMatchObject({ code: "invalid_request" });
    }
  });
});

test.each([
  ["https://rp.example/jwks", ["93.184.216.34"]],
  ["https://rp.example:443/jwks?a=b", ["93.184.216.34", "2600::1"]],
  ["https://RP.example.:8443/", ["2606:4700:4700::1111"]],
  ["https://93.184.216.34/", []],
  ["https://[2600::1]/", []],
])("%s is reached at the addresses that were checked", async (url, addresses) => {
  const { fault, exchanges } = await outcomeOf(url, { addresses });
  expect(fault).toBeUndefined();
  const literal = url.includes("rp.") || url.includes("RP.") ? addresses : [new URL(url).hostname.replace(/[[\]]/g, "")];
  expect(exchanges).toMatchObject([{ url: new URL(url), addresses: literal, method: "GET", bodyBytesMax: DIAL_BODY_BYTES_MAX }]);
});

describe("the operator's list", () => {
  test.each([
    ["10.0.0.0/8", "https://rp.example/", "10.1.2.3"],
    ["10.0.0.0/8", "http://rp.example:80/", "10.1.2.3"],
    ["192.168.1.7", "http://rp.example:8080/", "192.168.1.7"],
    ["169.254.10.0/24", "https://rp.example/", "169.254.10.1"],
    ["fd00::/8", "https://rp.example/", "fd12::1"],
    ["rp.example", "https://rp.example/", "10.1.2.3"],
    ["rp.example", "http://RP.EXAMPLE.:81/", "fd12::1"],
    ["rp.example", "http://rp.example/", "93.184.216.34"],
    ["*.corp.example", "https://a.b.corp.example/", "127.0.0.1"],
    ["64:ff9b::/96", "https://rp.example/", "64:ff9b::93.184.216.34"],
  ])("%s lets %s at %s be reached", async (entry, url, address) => {
    const { fault, exchanges } = await outcomeOf(url, { addresses: [address], allow: ["1.2.3.4", entry] });
    expect([fault, exchanges.length]).toEqual([undefined, 1]);
  });

  test.each([
    ["10.0.0.0/8", "https://rp.example/", "11.0.0.1", "http"],
    ["10.0.0.0/8", "https://rp.example/", "192.168.0.1", ""],
    ["10.0.0.0/8", "https://rp.example/", "::ffff:10.0.0.1", ""],
    ["64:ff9b::/96", "https://rp.example/", "64:ff9b::7f00:1", ""],
    ["::/0", "https://rp.example/", "::ffff:169.254.169.254", ""],
    ["rp.example", "https://other.example/", "10.1.2.3", ""],
    ["rp.example", "https://x.rp.example/", "10.1.2.3", ""],
    ["rp.example", "https://rp.example.evil.example/", "10.1.2.3", ""],
    ["*.corp.example", "https://corp.example/", "10.1.2.3", ""],
    ["*.corp.example", "https://evilcorp.example/", "10.1.2.3", ""],
    ["rp.example", "https://rp.example/", "169.254.169.254", ""],
    ["rp.example", "https://rp.example/", "224.0.0.1", ""],
    ["rp.example", "https://rp.example/", "0.0.0.0", ""],
    ["rp.example", "https://rp.example/", "fe80::1", ""],
    ["rp.example", "https://rp.example/", "::ffff:10.0.0.1", ""],
    ["rp.example", "ftp://rp.example/", "10.1.2.3", ""],
    ["rp.example", "https://u@rp.example/", "10.1.2.3", ""],
  ])("%s opens nothing for %s at %s", async (entry, url, address, plain) => {
    const target = plain === "" ? url : url.replace("https:", "http:");
    const { fault, exchanges } = await outcomeOf(target, { addresses: [address], allow: [entry] });
    expect([fault?.code, exchanges]).toEqual(["invalid_request", []]);
  });

  test.each(["", "*", "*.", "10.0.0.0/40", "10.0.0.1/8", "300.1.2.3", "1.2.3", "http://rp.example", "rp.example:443", "rp.example/", "a..b", "-a.example", "*.*.example", "a b", "[::1]"])("%j cannot stand on it", (text) => {
    expect(findDialAllowance(text)).toBeUndefined();
  });
});

test("a name that leads elsewhere the next time gains nothing: it is resolved once, and what was checked is connected to", async () => {
  const services = testServices();
  const answers = [["93.184.216.34"], ["127.0.0.1"]];
  const connected: string[][] = [];
  services.replaceNetwork({
    resolve: async () => answers.shift() ?? [],
    exchange: async ({ addresses }) => {
      connected.push([...addresses]);
      return { status: 200, headers: new Headers(), body: new Uint8Array() };
    },
  });
  const site = { services, settings: allowed() };
  expect(await faultOf(site, { url: "https://rebind.example/" })).toBeUndefined();
  expect(connected).toEqual([["93.184.216.34"]]);
  expect(await faultOf(site, { url: "https://rebind.example/" })).toMatchObject({ code: "invalid_request" });
  expect(connected.length).toBe(1);
});

test("a resolver that never answers is given up in time, and one that fails is told apart in the log only", async () => {
  const services = testServices();
  services.replaceNetwork({ resolve: () => new Promise(() => {}) });
  const waiting = faultOf({ services, settings: allowed() }, { url: "https://rp.example/" });
  services.clock.advance(DIAL_MS_MAX);
  expect(await waiting).toMatchObject({ code: "unavailable" });
  services.replaceNetwork({ resolve: async () => { throw new Error("ENOTFOUND rp.example"); } });
  const fault = await faultOf({ services, settings: allowed() }, { url: "https://rp.example/" });
  expect(fault).toMatchObject({ code: "unavailable" });
  expect(`${fault?.message} ${fault?.hint}`).not.toContain("ENOTFOUND");
});

/** A server of the test on loopback, and a site whose operator allows loopback; every name leads there. */
function loopback(handler: (request: Request) => Response | Promise<Response>, tls?: { readonly cert: string; readonly key: string }) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, idleTimeout: 0, fetch: handler, ...(tls === undefined ? {} : { tls }) });
  const services = testServices();
  services.replaceNetwork({ resolve: async () => ["127.0.0.1"] });
  return { services, settings: allowed("127.0.0.0/8"), port: server.port, [Symbol.asyncDispose]: async () => await server.stop(true) };
}

describe("over real sockets", () => {
  test("a redirect is an answer, and is not followed", async () => {
    const paths: string[] = [];
    await using site = loopback((request) => {
      paths.push(new URL(request.url).pathname);
      return new Response(null, { status: 302, headers: { location: "/inside" } });
    });
    expect((await dial(site, { url: `http://rp.example:${site.port}/jwks` })).status).toBe(302);
    expect(paths).toEqual(["/jwks"]);
  });

  test("the server sees the name, the method, the body and none of our secrets", async () => {
    const seen: unknown[] = [];
    await using site = loopback(async (request) => {
      seen.push([request.method, request.headers.get("host"), request.headers.get("content-type"), [...request.headers.keys()].sort(), await request.text()]);
      return Response.json({ a: 1 }, { headers: { "cache-control": "max-age=7" } });
    });
    const got = await dial(site, { url: `http://rp.example:${site.port}/x`, body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } });
    expect([got.status, got.headers.get("cache-control"), new TextDecoder().decode(got.body)]).toEqual([200, "max-age=7", '{"a":1}']);
    const names = ["accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"];
    expect(seen).toEqual([["POST", `rp.example:${site.port}`, "application/x-www-form-urlencoded", names, "a=b"]]);
  });

  test("an address in place of a name is connected to as it is, IPv6 too", async () => {
    for (const hostname of ["127.0.0.1", "::1"]) {
      await using server = Bun.serve({ port: 0, hostname, development: false, fetch: (request) => new Response(request.headers.get("host")) });
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      const services = testServices();
      services.replaceNetwork({ resolve: () => Promise.reject(new Error("a resolver was asked")) });
      const { body } = await dial({ services, settings: allowed("127.0.0.1", "::1") }, { url: `http://${host}:${server.port}/` });
      expect(new TextDecoder().decode(body)).toBe(`${host}:${server.port}`);
    }
  });

  test("a body of the most bytes is read, one byte more is refused, told beforehand or not", async () => {
    let size = DIAL_BODY_BYTES_MAX;
    let isStream = false;
    await using site = loopback(() => {
      const bytes = new Uint8Array(size);
      return new Response(isStream ? new ReadableStream({ start(controller) { controller.enqueue(bytes); controller.close(); } }) : bytes);
    });
    const url = `http://rp.example:${site.port}/`;
    expect((await dial(site, { url })).body.length).toBe(DIAL_BODY_BYTES_MAX);
    size += 1;
    for (isStream of [false, true]) expect(await faultOf(site, { url })).toMatchObject({ code: "unavailable" });
  });

  test("where the beginning of an answer is enough no more is read, and its end is not waited for", async () => {
    let sent = 0;
    await using site = loopback(() => {
      const start = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(sent).fill(7));
      return new Response(new ReadableStream({ start }));
    });
    for (sent of [1_024, 1_025, 200_000]) {
      const { status, body } = await dial(site, { url: `http://rp.example:${site.port}/`, answerBytes: 1_024, msMax: 15_000 });
      expect([status, body.length, body.every((byte) => byte === 7)]).toEqual([200, 1_024, true]);
    }
    expect(site.services.clock.timers()).toBe(0);
  });

  test("a request with a time of its own is cut after it, and not before", async () => {
    const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: never } = Promise.withResolvers<Response>();
    await using site = loopback(() => {
      ask();
      return never;
    });
    const dialled = faultOf(site, { url: `http://rp.example:${site.port}/`, msMax: 15_000 });
    await isAsked;
    site.services.clock.advance(14_999);
    expect(site.services.clock.timers()).toBe(1);
    site.services.clock.advance(1);
    expect(await dialled).toMatchObject({ code: "unavailable", hint: expect.stringContaining("15 seconds") });
  });

  test("a compressed body is not unpacked", async () => {
    const packed = Bun.gzipSync(new Uint8Array(5_000_000));
    await using site = loopback(() => new Response(packed, { headers: { "content-encoding": "gzip" } }));
    expect((await dial(site, { url: `http://rp.example:${site.port}/` })).body.length).toBe(packed.length);
  });

  test("a body that trickles is cut at the deadline, however often a byte comes", async () => {
    const { promise: isCut, resolve: cut } = Promise.withResolvers<void>();
    const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
    await using site = loopback(() => {
      ask();
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)), cancel: () => cut() }));
    });
    const dialled = faultOf(site, { url: `http://rp.example:${site.port}/` });
    await isAsked;
    site.services.clock.advance(DIAL_MS_MAX - 1);
    expect(site.services.clock.timers()).toBe(1);
    site.services.clock.advance(1);
    expect(await dialled).toMatchObject({ code: "unavailable" });
    await isCut;
    expect(site.services.clock.timers()).toBe(0);
  });

  test("a server that accepts and says nothing, and headers without an end", async () => {
    const opened: unknown[] = [];
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: (socket) => void opened.push(socket), data() {} } });
    const endless = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${"x-a: b\r\n".repeat(20_000)}`), data() {} },
    });
    const services = testServices();
    services.replaceNetwork({ resolve: async () => ["127.0.0.1"] });
    const site = { services, settings: allowed("127.0.0.1") };
    const waiting = faultOf(site, { url: `http://rp.example:${silent.port}/` });
    await eventually(() => opened.length === 1);
    services.clock.advance(DIAL_MS_MAX);
    expect(await waiting).toMatchObject({ code: "unavailable" });
    expect(await faultOf(site, { url: `http://rp.example:${endless.port}/` })).toMatchObject({ code: "unavailable" });
    silent.stop(true);
    endless.stop(true);
  });

  test("what listens nowhere and what is no HTTP are refused in the same words", async () => {
    const garbage = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: (socket) => void socket.end("SSH-2.0-x\r\n"), data() {} } });
    const services = testServices();
    services.replaceNetwork({ resolve: async () => ["127.0.0.1"] });
    const site = { services, settings: allowed("127.0.0.1") };
    const spoken = await faultOf(site, { url: `http://rp.example:${garbage.port}/` });
    garbage.stop(true);
    const closed = await faultOf(site, { url: `http://rp.example:${garbage.port}/` });
    expect(spoken).toMatchObject({ code: "unavailable" });
    expect([closed?.message, closed?.hint]).toEqual([spoken?.message, spoken?.hint]);
  });

  testNeeding("openssl", "the certificate is verified against the name, by the operator's authority beside the built-in ones", async () => {
    using folder = temporaryFolder();
    const authority = testAuthority(folder.path);
    const { certFile, keyFile } = authority.sign("rp.example");
    await using site = loopback(() => new Response("hello"), { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") });
    const trusting: Services = withExtraCa(site.services, authority.file);
    const reach = async (services: Services, host: string) => (await faultOf({ services, settings: site.settings }, { url: `https://${host}:${site.port}/` }))?.code;
    expect(await reach(trusting, "rp.example")).toBeUndefined();
    expect(await reach(trusting, "other.example")).toBe("unavailable");
    expect(await reach(trusting, "127.0.0.1")).toBe("unavailable");
    expect(await reach(site.services, "rp.example")).toBe("unavailable");
  });

  testNeeding("openssl", "no proxy and no switch of the environment has a say", async () => {
    using folder = temporaryFolder();
    const authority = testAuthority(folder.path);
    const { certFile, keyFile } = authority.sign("rp.example");
    await using site = loopback(() => new Response("hello"), { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") });
    const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_TLS_REJECT_UNAUTHORIZED"];
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) process.env[name] = name.startsWith("NODE") ? "0" : "http://127.0.0.1:1";
    try {
      const url = `https://rp.example:${site.port}/`;
      expect(await faultOf({ services: withExtraCa(site.services, authority.file), settings: site.settings }, { url })).toBeUndefined();
      expect(await faultOf(site, { url })).toMatchObject({ code: "unavailable" });
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test("an address that is refused is not even connected to", async () => {
    let asked = 0;
    await using site = loopback(() => new Response(`${(asked += 1)}`));
    for (const host of ["rp.example", "127.0.0.1", "localhost"]) {
      expect(await faultOf({ services: site.services, settings: allowed() }, { url: `https://${host}:${site.port}/` })).toMatchObject({ code: "invalid_request" });
    }
    expect(asked).toBe(0);
  });
});
