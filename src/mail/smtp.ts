/**
 * Mail by SMTP: hands one letter to the operator's mail server, and says whether trying again makes sense.
 *
 * Rule: the one leaf that knows the mail library and opens its sockets; it decides nothing about people or links. A
 * letter is plain text to one recipient who is never parsed out of text, so nothing in a name or an address can add a
 * recipient, a header or markup (CVE-2025-7962).
 */
import { createTransport } from "nodemailer";
import type { Secret } from "../secret.ts";
import type { Clock } from "../services.ts";
import type { SmtpTls } from "../settings.ts";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: SmtpTls;
  /** The sender's address. */
  readonly from: string;
  readonly login: { readonly user: string; readonly password: Secret } | undefined;
  /** PEM texts trusted in place of the built-in ones. */
  readonly ca?: readonly string[] | undefined;
}

export interface Letter {
  /** An address that was checked before; one, and never a list. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** `refused`: the mail server will not take it however often it is tried (RFC 5321 section 4.2.1, 5yz). */
export type Delivery = { readonly outcome: "sent" } | { readonly outcome: "refused" | "failed"; readonly cause: unknown };

export interface Mailer {
  /** Never throws for what a mail server does. */
  send(letter: Letter): Promise<Delivery>;
}

const CONNECT_MS_MAX = 10_000;
const SILENCE_MS_MAX = 20_000;
/**
 * One address and nothing beside it. The library parses lists and display names even out of an envelope, so anything
 * that it could take apart is refused here, whoever let it through.
 */
const ONE_ADDRESS = /^[^\p{C}\p{Z}"(),:;<>@[\\\]]+@[A-Za-z0-9.-]+$/u;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

function statusOf(error: unknown): number {
  return typeof error === "object" && error !== null && "responseCode" in error && typeof error.responseCode === "number" ? error.responseCode : 0;
}

/** Whether it is this recipient or letter that is refused; a login that is refused may be mended by the operator. */
function isFinal(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return statusOf(error) >= 500 && (code === "EENVELOPE" || code === "EMESSAGE");
}

/** A mailer over the operator's mail server. Each letter takes a connection of its own. */
export function createMailer(settings: SmtpSettings, clock: Clock): Mailer {
  const { host, port, tls, from, login, ca } = settings;
  const transport = createTransport({
    host,
    port,
    secure: tls === "tls",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password.reveal() } }),
    ...(ca === undefined ? {} : { tls: { ca: [...ca] } }),
  });
  return {
    async send({ to, subject, text }) {
      if (!ONE_ADDRESS.test(to)) return { outcome: "refused", cause: new Error("the recipient is not one plain address") };
      const letter = {
        from: { name: "", address: from },
        to: { name: "", address: to },
        envelope: { from, to: [to] },
        subject: subject.replace(CONTROL, " "),
        text,
        date: new Date(clock.now()),
        // RFC 3834 section 5: no answering machine answers it.
        headers: { "Auto-Submitted": "auto-generated" },
      };
      try {
        await transport.sendMail(letter);
        return { outcome: "sent" };
      } catch (cause) {
        return { outcome: isFinal(cause) ? "refused" : "failed", cause };
      }
    },
  };
}
