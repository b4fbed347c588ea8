/** Which addresses may be registered and asked for. Advisories: CVE-2026-28512, CVE-2023-6134, CVE-2023-6291, CVE-2024-1132, CVE-2024-8883. */
import { describe, expect, test } from "bun:test";
import { isRedirectAllowed, problemOfRedirectUri, problemOfWebUri } from "../../../src/oidc/clients/redirect-uris.ts";

const good = [
  "https://app.example/callback",
  "https://app.example",
  "https://app.example/",
  "https://app.example:8443/cb?tenant=a%2Fb&x=1",
  "https://xn--bcher-kva.example/cb",
  "https://192.0.2.7/cb",
  "https://[2001:db8::1]/cb",
  "http://127.0.0.1/cb",
  "http://127.0.0.1:3000/cb",
  "http://[::1]:3000/cb",
  "http://localhost:8080/cb",
  "com.example.app:/callback",
  "com.example.app://callback/path",
];

const hostile: readonly string[] = [
  "",
  "/callback",
  "//app.example/cb",
  "app.example/cb",
  "callback",
  "https:",
  "https://",
  "https:///cb",
  "https:app.example/cb",
  "https:/app.example/cb",
  "HTTPS://app.example/cb",
  "https://APP.example/cb",
  "https://app.example:443/cb",
  "https://app.example:0443/cb",
  "https://app.example:99999/cb",
  "https://app.example:/cb",
  "https://app.example./cb",
  "https://app..example/cb",
  "https://.app.example/cb",
  "https://-app.example/cb",
  "https://user@app.example/cb",
  "https://user:password@app.example/cb",
  "https://@app.example/cb",
  "https://:@app.example/cb",
  "https://app.example@evil.example/cb",
  "https://app.example%40evil.example/cb",
  "https://app.example\\@evil.example/cb",
  "https://app.example\\.evil.example/cb",
  "https:\\\\app.example\\cb",
  "https://app.example/a\\b",
  "https://app.example/cb#",
  "https://app.example/cb#fragment",
  "https://app.example/#/cb",
  "https://app.example/a/../cb",
  "https://app.example/./cb",
  "https://app.example/..",
  "https://app.example/a/%2e%2e/cb",
  "https://app.example/a/.%2E/cb",
  "https://app.example/a%2fb",
  "https://app.example/a%5Cb",
  "https://app.example/a%00b",
  "https://app.example/a%0d%0ab",
  "https://app.example/a%252fb",
  "https://app.example/%zz",
  "https://app.example/%",
  "https://*.app.example/cb",
  "https://app.example/*",
  "https://app.example/cb?*",
  "https://bücher.example/cb",
  "https://app。example/cb",
  "https://app.example/cb\u200b",
  "https://app.example/c b",
  " https://app.example/cb",
  "https://app.example/cb ",
  "https://app.example/\tcb",
  "https://app.example/cb\r\nlocation: https://evil.example",
  "https://app.example/cb\u0000",
  "https://0x7f.1/cb",
  "https://0177.0.0.1/cb",
  "https://2130706433/cb",
  "https://127.1/cb",
  "https://[0:0:0:0:0:0:0:1]/cb",
  "https://[::FFFF:127.0.0.1]/cb",
  "https://[fe80::1%25eth0]/cb",
  "https://app_name.example/cb",
  "https://app.example/cb?code=1",
  "https://app.example/cb?a=1&state=2",
  "https://app.example/cb?iss=https://evil.example",
  "https://app.example/cb?error=1",
  "https://app.example/cb?%63ode=1",
  "https://app.example/<script>",
  'https://app.example/"',
  "https://app.example/{a}",
  "https://app.example/a|b",
  "https://app.example/`",
  "https://app.example/^",
  "http://app.example/cb",
  "http://10.0.0.1/cb",
  "http://127.0.0.2/cb",
  "http://127.0.0.1.evil.example/cb",
  "http://localhost.evil.example/cb",
  "http://localhost./cb",
  "http://0.0.0.0/cb",
  "http://[::]/cb",
  "http://127.0.0.1@evil.example/cb",
  "http://evil.example/127.0.0.1",
  "ftp://app.example/cb",
  "ws://app.example/cb",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "javascript://app.example/%0aalert(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:text/html;base64,AAAA",
  "vbscript:x",
  "blob:https://app.example/a",
  "about:blank",
  "view-source:https://app.example",
  "intent://app.example/cb",
  "myapp://cb",
  "myapp:cb",
  "com.example.app://user@host/cb",
  "com.example.app:callback",
  "com.example.app:",
  "com.example.app:/a/../b",
  "com.example.app:/cb#a",
  "COM.example.app:/cb",
  "urn:ietf:wg:oauth:2.0:oob",
  `https://app.example/${"a".repeat(2_048)}`,
  "https://{tenant}.app.example/cb",
  "https://%61pp.example/cb",
  "null",
  "https://app.example:80:80/cb",
];

describe("a redirect URI", () => {
  test.each(good)("%s can be registered", (uri) => {
    expect(problemOfRedirectUri(uri)).toBeUndefined();
  });

  test.each(hostile)("%j cannot be registered", (uri) => {
    expect(problemOfRedirectUri(uri)).toMatch(/^(?:has|is) /);
  });
});

describe("a request may ask for", () => {
  const registered = {
    redirect_uris: ["https://app.example/cb", "https://app.example/cb?tenant=1", "http://127.0.0.1/cb", "http://[::1]:4000/cb?x=1", "http://localhost:3000/cb", "com.example.app:/cb", "http://127.0.0.1"],
  };

  const allowed = [
    ...registered.redirect_uris,
    "http://127.0.0.1:1/cb",
    "http://127.0.0.1:51234/cb",
    "http://127.0.0.1:65535/cb",
    "http://[::1]:51234/cb?x=1",
    "http://[::1]/cb?x=1",
    "http://127.0.0.1:51234",
  ];
  test.each(allowed)("%s", (uri) => {
    expect(isRedirectAllowed(registered, uri)).toBe(true);
  });

  const refused = [
    ...hostile,
    "https://app.example/cb/",
    "https://app.example/CB",
    "https://app.example/cb?",
    "https://app.example/cb?tenant=2",
    "https://app.example/cb?tenant=1&a=2",
    "https://app.example/cb%20",
    "https://app.example:8443/cb",
    "https://app.example/c%62",
    "https://app.example.evil.example/cb",
    "https://evil.example/cb",
    "http://app.example/cb",
    "http://localhost:3001/cb",
    "http://localhost/cb",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:080/cb",
    "http://127.0.0.1:51234/cb2",
    "http://127.0.0.1:51234/cb?x=1",
    "http://127.0.0.1:51234/cb#x",
    "http://127.0.0.1:51234@evil.example/cb",
    "http://127.0.0.1:51234/../cb",
    "https://127.0.0.1:51234/cb",
    "http://127.0.0.2:51234/cb",
    "http://[::1]:51234/cb",
    "com.example.app:/cb2",
    "com.example.app://cb",
    "com.example.evil:/cb",
  ];
  test.each(refused)("but not %j", (uri) => {
    expect(isRedirectAllowed(registered, uri)).toBe(false);
  });

  test("nothing when nothing is registered", () => {
    for (const uri of [...good, ...hostile]) expect([uri, isRedirectAllowed({ redirect_uris: [] }, uri)]).toEqual([uri, false]);
  });
});

test.each(["http://127.0.0.1/logo", "https://app.example/logo.png"])("%s is an address of the web", (uri) => {
  expect(problemOfWebUri(uri)).toBeUndefined();
});

test.each(["com.example.app:/logo", "javascript:alert(1)", "data:image/png;base64,AAAA", "http://app.example/logo", "https://a@app.example/", "https://app.example/#a"])("%s is none", (uri) => {
  expect(problemOfWebUri(uri)).toBeDefined();
});
