import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createMailer, type SmtpSettings } from "../../src/mail/smtp.ts";
import { Secret } from "../../src/secret.ts";
import { testAuthority } from "../support/certificates.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testServices } from "../support/services.ts";
import { type MailServer, startMailServer } from "../support/smtp.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const authority = testAuthority(folder.path);
const ca = [readFileSync(authority.file, "utf8")];

function certificateFor(name: string) {
  const { certFile, keyFile } = authority.sign(name);
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}
const certificate = certificateFor("localhost");

function mailerTo(server: MailServer, settings: Partial<SmtpSettings> = {}) {
  const basic = { host: "localhost", port: server.port, tls: "none", from: "cyberun@example.com", login: undefined } as const;
  return createMailer({ ...basic, ...settings }, testServices().clock);
}
const letter = { to: "ada@example.com", subject: "Für Ada", text: "Grüße,\nein Link: https://example.com/a?b=c&d=e\n" };

test("a letter arrives as it was written, from the one sender to the one recipient, at the service's time", async () => {
  await using server = await startMailServer();
  expect(await mailerTo(server).send(letter)).toEqual({ outcome: "sent" });
  const [received] = server.letters;
  expect(received).toMatchObject({ from: "cyberun@example.com", to: ["ada@example.com"], isSecure: false, user: undefined });
  expect(received?.text.replaceAll("\r\n", "\n")).toBe(letter.text);
  expect(received?.headers.get("to")).toEqual(["ada@example.com"]);
  expect(received?.headers.get("auto-submitted")).toEqual(["auto-generated"]);
  expect(received?.headers.get("content-type")?.[0]).toStartWith("text/plain");
  expect(Date.parse(received?.headers.get("date")?.[0] ?? "")).toBe(Date.UTC(2026, 0, 1));
});

test("nothing in a subject or a text is a header, a recipient or markup", async () => {
  await using server = await startMailServer();
  const hostile = "Hi\r\nBcc: eve@example.com\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>";
  expect(await mailerTo(server).send({ ...letter, subject: hostile, text: `${hostile}\r\n.\r\nRCPT TO:<eve@example.com>\r\n` })).toEqual({ outcome: "sent" });
  const [received] = server.letters;
  expect(received?.to).toEqual(["ada@example.com"]);
  expect([...(received?.headers.keys() ?? [])]).not.toContain("bcc");
  expect(received?.headers.get("content-type")).toHaveLength(1);
  expect(received?.headers.get("content-type")?.[0]).toStartWith("text/plain");
  expect(received?.text).toContain("RCPT TO:<eve@example.com>");
  expect(server.letters).toHaveLength(1);
});

test.each([
  "eve@example.com, ada@example.com",
  "ada@example.com\r\nRCPT TO:<eve@example.com>",
  "Ada <eve@example.com>",
  "<ada@example.com>\nBcc: eve@example.com",
  "eve:ada@example.com;",
  '"eve@example.com"@example.com',
  "ada@[127.0.0.1]",
  "",
])("an address that is none, or more than one, is given to nobody, whoever let it through: %j", async (to) => {
  await using server = await startMailServer();
  expect((await mailerTo(server).send({ ...letter, to })).outcome).toBe("refused");
  expect(server.letters).toEqual([]);
});

describe("the connection", () => {
  test("is upgraded with starttls, and encrypted from the first byte with tls", async () => {
    await using upgraded = await startMailServer({ certificate });
    await using implicit = await startMailServer({ certificate, isImplicit: true });
    expect(await mailerTo(upgraded, { tls: "starttls", ca }).send(letter)).toEqual({ outcome: "sent" });
    expect(await mailerTo(implicit, { tls: "tls", ca }).send(letter)).toEqual({ outcome: "sent" });
    expect([...upgraded.letters, ...implicit.letters].map(({ isSecure }) => isSecure)).toEqual([true, true]);
  });

  test("is given up when the server does not upgrade, or shows a certificate that nobody trusts or of another name", async () => {
    const login = { user: "mailer", password: new Secret("swordfish") };
    await using plain = await startMailServer();
    await using server = await startMailServer({ certificate });
    await using foreign = await startMailServer({ certificate: certificateFor("mail.example.org") });
    expect((await mailerTo(plain, { tls: "starttls", login }).send(letter)).outcome).toBe("failed");
    expect((await mailerTo(server, { tls: "starttls", login }).send(letter)).outcome).toBe("failed");
    expect((await mailerTo(foreign, { tls: "starttls", ca, login }).send(letter)).outcome).toBe("failed");
    expect([...plain.letters, ...server.letters, ...foreign.letters]).toEqual([]);
  });

  test("logs in where it is told to; a login that is refused can be mended, so it is tried again", async () => {
    await using server = await startMailServer({ certificate, login: { user: "mailer", password: "swordfish" } });
    const send = (password: string) => mailerTo(server, { tls: "starttls", ca, login: { user: "mailer", password: new Secret(password) } }).send(letter);
    expect(await send("swordfish")).toEqual({ outcome: "sent" });
    expect(server.letters[0]?.user).toBe("mailer");
    expect((await send("wrong")).outcome).toBe("failed");
  });
});

test("a recipient that is refused for good is told from one that is refused for now, and from no server at all", async () => {
  const server = await startMailServer();
  const mailer = mailerTo(server);
  server.refusesWith = 550;
  expect((await mailer.send(letter)).outcome).toBe("refused");
  server.refusesWith = 451;
  expect((await mailer.send(letter)).outcome).toBe("failed");
  await server[Symbol.asyncDispose]();
  expect((await mailer.send(letter)).outcome).toBe("failed");
});
