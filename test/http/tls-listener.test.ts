/** TLS on real sockets: who gets in, what is spoken, and another certificate taking over while connections go on. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { readServerCertificate } from "../../src/certificates.ts";
import { Fault } from "../../src/fault.ts";
import { createApp, listen, type Listener, type Shown } from "../../src/http/listener.ts";
import { addProbes } from "../../src/http/probes.ts";
import { door } from "../../src/http/door.ts";
import { createLog } from "../../src/log.ts";
import { realServices } from "../../src/services.ts";
import { makeCertificates, tlsFolder } from "../../src/tls/local-authority.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testNeeding } from "../support/skip.ts";

const services = realServices();

function certificates(folder: string, name: string) {
  const files = tlsFolder(join(folder, name));
  makeCertificates(files, ["localhost", "127.0.0.1"], services);
  return { shown: readServerCertificate(files), ca: readFileSync(files.authority, "utf8"), files };
}

function opened(tls: Shown, port = 0): Listener {
  const app = createApp({ role: "api", services, log: createLog(services.clock, "error", () => {}), authenticate: async () => ({ kind: "operator" }) });
  addProbes(app, { role: "api", notReady: async () => undefined, metrics: () => [] });
  const { parse: _noBody, ...hooks } = door("license.read");
  app.ws("/echo", { ...hooks, message: (socket, message) => void socket.send(message) });
  return listen(app, { hostname: "127.0.0.1", port, tls }, services);
}

async function fingerprintAt({ url }: Listener, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), ca: [ca], servername: "localhost" }, () => resolve(socket.getPeerCertificate().fingerprint256));
  socket.on("error", reject);
  return await promise.finally(() => socket.destroy());
}

async function echoing({ url }: Listener) {
  const socket = new WebSocket(`${url.replace("https", "wss")}/echo`, { tls: { rejectUnauthorized: false } });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener("open", () => resolve());
  socket.addEventListener("error", (event) => reject(new Error(`the socket did not open: ${"message" in event ? String(event.message) : ""}`)));
  await promise;
  return {
    say: async (text: string) => {
      const answered = Promise.withResolvers<string>();
      socket.addEventListener("message", ({ data }) => answered.resolve(String(data)), { once: true });
      socket.addEventListener("close", () => answered.reject(new Error("the socket closed")), { once: true });
      socket.send(text);
      return await answered.promise;
    },
    close: () => socket.close(),
  };
}

test("another certificate takes over at once; who is connected stays, and a stop ends all of them", async () => {
  using folder = temporaryFolder();
  const [one, other] = [certificates(folder.path, "one"), certificates(folder.path, "other")];
  const listener = opened(one.shown);
  const before = await fingerprintAt(listener, one.ca);
  const socket = await echoing(listener);
  listener.show(other.shown);
  const after = await fingerprintAt(listener, other.ca);
  expect(after).not.toBe(before);
  expect(await fingerprintAt(listener, one.ca).catch(() => "refused")).toBe("refused");
  expect(await socket.say("still here")).toBe("still here");
  expect((await fetch(`${listener.url}/healthz`, { tls: { ca: other.ca } })).status).toBe(200);
  socket.close();
  await listener.stop();
  expect(await fetch(`${listener.url}/healthz`, { tls: { ca: other.ca } }).then(() => "answered", () => "refused")).toBe("refused");
});

test("a port that another server shows a certificate on is taken, and said to be", async () => {
  using folder = temporaryFolder();
  const { shown } = certificates(folder.path, "one");
  const listener = opened(shown);
  const port = Number(new URL(listener.url).port);
  expect(() => opened(shown, port)).toThrow(Fault);
  expect(() => opened(shown, port)).toThrow("another program uses it");
  await listener.stop();
  const again = opened(shown, port);
  expect(again.url).toBe(listener.url);
  await again.stop();
});

test("a port that asks for certificates lets in those of its authority and nobody else", async () => {
  using folder = temporaryFolder();
  const [own, foreign] = [certificates(folder.path, "own"), certificates(folder.path, "foreign")];
  const listener = opened({ ...own.shown, clientCa: own.ca });
  const reached = (tls: object) => fetch(`${listener.url}/healthz`, { keepalive: false, tls: { ca: own.ca, ...tls } }).then((answer) => answer.status, () => "refused");
  expect([await reached({}), await reached(foreign.shown), await reached(own.shown), await reached({})]).toEqual(["refused", "refused", 200, "refused"]);
  await listener.stop();
});

testNeeding("openssl", "openssl speaks TLS 1.2 and 1.3 with it, and nothing older", async () => {
  using folder = temporaryFolder();
  const { shown, files } = certificates(folder.path, "one");
  const listener = opened(shown);
  const spoken = async (version: string) => {
    const child = Bun.spawn(["openssl", "s_client", `-${version}`, "-cipher", "DEFAULT:@SECLEVEL=0", "-connect", new URL(listener.url).host, "-servername", "localhost", "-verify_hostname", "localhost", "-CAfile", files.authority, "-verify_return_error"], { stdin: new Blob([""]), stdout: "pipe", stderr: "pipe" });
    const [out] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return [await child.exited === 0, /Verify return code: 0 \(ok\)/.test(out), /^New, (TLSv1\.\d)/m.exec(out)?.[1]];
  };
  expect(await spoken("tls1_3")).toEqual([true, true, "TLSv1.3"]);
  expect(await spoken("tls1_2")).toEqual([true, true, "TLSv1.2"]);
  for (const old of ["tls1", "tls1_1"]) expect((await spoken(old))[0]).toBe(false);
  await listener.stop();
});
