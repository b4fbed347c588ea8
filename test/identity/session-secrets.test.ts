import { expect, test } from "bun:test";
import { createSealer } from "../../src/crypto/sealing.ts";
import { createCookie, createRefreshToken, isCookieForm, sessionDigest, sessionIdOf } from "../../src/identity/session-secrets.ts";
import { redactText } from "../../src/log.ts";
import { realServices } from "../../src/services.ts";

const { random } = realServices();
const sealer = createSealer(new Uint8Array(32).fill(1), random);
const sessionId = "0190a0b0-c0d0-7000-8000-0123456789ab";

test("a refresh token names its session and no two are alike", () => {
  const tokens = [createRefreshToken(sealer, random, sessionId), createRefreshToken(sealer, random, sessionId)];
  expect(tokens.map((token) => sessionIdOf(sealer, token))).toEqual([sessionId, sessionId]);
  expect(tokens[0]).not.toBe(tokens[1] ?? "");
});

test("every prefix, every change of one character and every other origin is refused", () => {
  const token = createRefreshToken(sealer, random, sessionId);
  for (let index = 0; index < token.length; index += 1) {
    expect(sessionIdOf(sealer, token.slice(0, index))).toBeUndefined();
    const other = token.charAt(index) === "0" ? "1" : "0";
    expect(sessionIdOf(sealer, token.slice(0, index) + other + token.slice(index + 1))).toBeUndefined();
  }
  const foreign = createSealer(new Uint8Array(32).fill(2), random);
  for (const text of [`${token}0`, ` ${token}`, `${token}\n`, token.toUpperCase(), createRefreshToken(foreign, random, sessionId), "", "rt-__"]) {
    expect(sessionIdOf(sealer, text)).toBeUndefined();
  }
});

test("the tag of one session does not serve another", () => {
  const other = createRefreshToken(sealer, random, "0190a0b0-c0d0-7000-8000-0123456789ac");
  const mixed = createRefreshToken(sealer, random, sessionId).slice(0, 35) + other.slice(35);
  expect(sessionIdOf(sealer, mixed)).toBeUndefined();
});

test("what the store keeps is not part of what the holder shows", () => {
  const token = createRefreshToken(sealer, random, sessionId);
  expect(token).not.toContain(sessionDigest(sealer, token));
});

test("a log never shows a refresh token, wherever in a text it stands", () => {
  const token = createRefreshToken(sealer, random, sessionId);
  expect(redactText(`refused ${token}, again`)).toBe("refused •••, again");
});

test("a cookie is 43 characters of base62 and nothing else has its form", () => {
  const cookie = createCookie(random);
  expect(isCookieForm(cookie)).toBe(true);
  for (const text of ["", cookie.slice(1), `${cookie}0`, `${cookie}\n`, `${cookie.slice(0, 42)}-`]) expect(isCookieForm(text)).toBe(false);
});
