/**
 * A mail server on a real socket that keeps what it is given.
 *
 *     await using server = await startMailServer();
 *     createMailer({ host: "127.0.0.1", port: server.port, … }, clock)
 *     server.letters[0]?.text
 */
import { SMTPServer } from "smtp-server";
import { eventually } from "./eventually.ts";

export interface ReceivedLetter {
  readonly from: string;
  readonly to: readonly string[];
  /** Header fields as they came, unfolded and lower-cased names. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The body, decoded. */
  readonly text: string;
  readonly raw: string;
  readonly isSecure: boolean;
  readonly user: string | undefined;
}

export interface MailServerOptions {
  /** PEM of certificate and key; then STARTTLS is offered. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** TLS from the first byte. */
  readonly isImplicit?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly letters: readonly ReceivedLetter[];
  /** The next letters are answered with this status, until it is undefined again. */
  refusesWith: number | undefined;
  /** Waits for so many letters. */
  received(count: number): Promise<readonly ReceivedLetter[]>;
}

function decodeBody(encoding: string, body: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const bytes = body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function parse(raw: string): Pick<ReceivedLetter, "headers" | "text"> {
  const end = raw.indexOf("\r\n\r\n");
  const headers = new Map<string, string[]>();
  for (const line of raw.slice(0, end).replace(/\r\n[ \t]+/g, " ").split("\r\n")) {
    const [name = "", ...rest] = line.split(":");
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), rest.join(":").trim()]);
  }
  return { headers, text: decodeBody(headers.get("content-transfer-encoding")?.[0] ?? "7bit", raw.slice(end + 4)) };
}

function refusal(status: number): Error {
  return Object.assign(new Error("refused by the test"), { responseCode: status });
}

export async function startMailServer({ certificate, isImplicit = false, login }: MailServerOptions = {}): Promise<MailServer> {
  const letters: ReceivedLetter[] = [];
  const state: { refusesWith: number | undefined } = { refusesWith: undefined };
  const server = new SMTPServer({
    secure: isImplicit,
    ...certificate,
    hideSTARTTLS: certificate === undefined,
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth(auth, _session, callback) {
      if (auth.username === login?.user && auth.password === login?.password) callback(null, { user: auth.username });
      else callback(refusal(535));
    },
    onRcptTo(_address, _session, callback) {
      callback(state.refusesWith === undefined ? null : refusal(state.refusesWith));
    },
    onData(stream, session, callback) {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString("utf8");
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false || mailFrom === undefined ? "" : mailFrom.address;
        letters.push({ from, to: rcptTo.map(({ address }) => address), ...parse(raw), raw, isSecure: session.secure, user: session.user === undefined ? undefined : String(session.user) });
        callback();
      });
    },
  });
  // What a client does wrong is the test's to see in the client's answer.
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.server.address();
  if (typeof address !== "object" || address === null) throw new Error("the mail server has no port");
  return {
    port: address.port,
    letters,
    get refusesWith() {
      return state.refusesWith;
    },
    set refusesWith(status) {
      state.refusesWith = status;
    },
    async received(count) {
      await eventually(() => letters.length >= count);
      return letters;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
