/** TLS by the executable: a site that has no certificate makes its own, renews it under way, and keeps strangers from the License Server. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { run, start } from "../support/executable.ts";
import { readExposition } from "../support/exposition.ts";
import { temporaryFolder } from "../support/folder.ts";

test("from tls init to a renewal under way, with certificates asked for at the License Server", async () => {
  using temporary = temporaryFolder();
  const folder = join(temporary.path, "tls");
  const init = ["tls", "init", "--folder", folder, "--json"];
  const made = await run([...init, "--host", "localhost,127.0.0.1"]);
  expect(made).toMatchObject({ exitCode: 0, stderr: "" });
  const ca = readFileSync(join(folder, "ca.pem"), "utf8");
  const own = { cert: readFileSync(join(folder, "server.pem"), "utf8"), key: readFileSync(join(folder, "server.key"), "utf8") };
  const files = ["--tls-cert-file", join(folder, "server.pem"), "--tls-key-file", join(folder, "server.key")];
  const asking = ["--tls-client-ca-file", join(folder, "ca.pem")];
  await using served = await start(["trial", ...files, ...asking, "--public-url", "https://localhost:9401", "--log-level", "info"]);
  const { api, license, gateway } = served.urls;
  await eventually(() => served.stdout().includes("press Ctrl-C"));
  // The roles of the process got in, by the handshake and with its certificate.
  expect(served.stdout()).toContain("License          ok, trial");
  const status = (tls: object) => fetch(`${license}/v1/status`, { keepalive: false, tls: { ca, ...tls } }).then((answer) => answer.status, () => "refused");
  expect([await status({}), await status(own)]).toEqual(["refused", 200]);
  const asked = ["license", "status", "--license-server-addresses", String(license), "--extra-ca-file", join(folder, "ca.pem")];
  expect((await run(asked)).exitCode).toBe(3);
  const shown = ["--tls-client-cert-file", join(folder, "server.pem"), "--tls-client-key-file", join(folder, "server.key")];
  expect((await run([...asked, ...shown])).exitCode).toBe(0);
  expect((await run([...asked, ...shown, "--warn-days", "9999"])).exitCode).toBe(10);

  const health = await fetch(`${api}/healthz`, { keepalive: false, tls: { ca } });
  expect(health.headers.get("strict-transport-security")).toBe("max-age=31536000");
  const metrics = async () => readExposition(await (await fetch(`${api}/metrics`, { keepalive: false, tls: { ca } })).text());
  expect((await metrics()).get("cyberun_tls_certificate_reloads_total")?.samples.get("cyberun_tls_certificate_reloads_total{}")).toBe(0);
  for (const name of ["cyberun_tls_certificate_expires_in_seconds", "cyberun_tls_certificate_refused"]) expect((await metrics()).has(name)).toBe(true);
  // Agents come over TLS too: the door of their WebSocket is found, and refuses who has no key.
  const upgrade = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  expect((await fetch(`${gateway}/v1/connect`, { headers: upgrade, tls: { ca } })).status).toBe(401);

  expect((await run(init)).exitCode).toBe(0);
  // Who connects in the very moment of the change may be cut, and tries again.
  const reloads = async () => (await metrics().catch(() => undefined))?.get("cyberun_tls_certificate_reloads_total")?.samples.get("cyberun_tls_certificate_reloads_total{}");
  await eventually(async () => (await reloads()) === 1, "the new certificate is shown");
  expect(served.stderr()).toContain("tls.reloaded");
  expect((await fetch(`${api}/healthz`, { keepalive: false, tls: { ca } })).status).toBe(200);
  expect(await served.stop()).toBe(0);
}, 90_000);
