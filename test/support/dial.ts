/** One WebSocket handshake written by hand, so that a refusal before the upgrade shows its status. */
import { connect } from "node:net";

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
} as const;

/** The status that `url` answers an upgrade with: 101 when it is granted; then the socket is closed again. */
export async function upgradeStatus(url: string, shown: Readonly<Record<string, string>> = {}): Promise<number> {
  const { hostname, port, host, pathname, search } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  const lines = Object.entries({ host, ...upgrade, ...shown }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on("connect", () => socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`));
  socket.on("data", (bytes) => {
    answer += bytes.toString("latin1");
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
    if (status !== undefined) resolve(Number(status));
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the connection was closed without an answer")));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
