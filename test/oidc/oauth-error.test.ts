/** Refusals in OAuth's shape: every code has a status, every Fault has a code, nothing private or unprintable goes out. */
import { describe, expect, test } from "bun:test";
import { Fault, type FaultCode, faultCodes } from "../../src/fault.ts";
import { descriptionOf, OAuthError, type OAuthErrorCode, oauthErrorBody, oauthErrorHeaders, oauthErrorOf, oauthErrors } from "../../src/oidc/oauth-error.ts";
import { narrowScope, problemOfScope } from "../../src/oidc/scope.ts";
import { narrowResources, problemOfResource } from "../../src/oidc/clients/resources.ts";
import { endpoints, endpointUrl } from "../../src/oidc/endpoints.ts";

function isCode(code: string): code is OAuthErrorCode {
  return Object.hasOwn(oauthErrors, code);
}
function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(faultCodes, code);
}

test("every code is spelled as OAuth allows and has a status of a refusal", () => {
  for (const code of Object.keys(oauthErrors).filter(isCode)) {
    const error = new OAuthError(code, "No.");
    expect(code).toMatch(/^[a-z_]+$/);
    expect([code, error.status >= 400 && error.status < 600]).toEqual([code, true]);
    expect(oauthErrorBody(error)).toEqual({ error: code, error_description: "No." });
  }
});

test("every Fault keeps its status and gets a code", () => {
  for (const code of Object.keys(faultCodes).filter(isFaultCode)) {
    const error = oauthErrorOf(new Fault(code, "No.", { cause: "secret" }));
    expect([code, error.status]).toEqual([code, faultCodes[code].status]);
    expect(JSON.stringify(oauthErrorBody(error))).not.toContain("secret");
  }
});

test.each([
  ["feature_disabled", "access_denied", 403],
  ["expired", "temporarily_unavailable", 503],
  ["missing", "temporarily_unavailable", 503],
  ["internal", "server_error", 500],
  ["too_large", "invalid_request", 413],
  ["rate_limited", "temporarily_unavailable", 429],
] as const)("%s is %s", (code, oauthCode, status) => {
  const error = oauthErrorOf(new Fault(code, "No."));
  expect([error.oauthCode, error.status]).toEqual([oauthCode, status]);
});

test("an OAuth error stays what it is", () => {
  const error = new OAuthError("invalid_grant", "No.");
  expect(oauthErrorOf(error)).toBe(error);
});

test("a description has no character that OAuth forbids", () => {
  const text = descriptionOf(new Fault("conflict", 'a"b\\c\r\nd\u0000é', { hint: "漢" }));
  expect(text).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(text).toStartWith("a'b/c");
});

test("headers forbid keeping, and name the scheme of a 401", () => {
  expect(oauthErrorHeaders(new OAuthError("invalid_grant", "No."))).toEqual({ "cache-control": "no-store", pragma: "no-cache" });
  expect(oauthErrorHeaders(new OAuthError("invalid_client", "No."))["www-authenticate"]).toStartWith("Basic ");
  expect(oauthErrorHeaders(new OAuthError("invalid_token", "No."))["www-authenticate"]).toBe('Bearer realm="cyberun", error="invalid_token"');
  expect(oauthErrorHeaders(new OAuthError("use_dpop_nonce", "No.", { headers: { "dpop-nonce": "a" } }))["dpop-nonce"]).toBe("a");
  expect(oauthErrorHeaders(new OAuthError("slow_down", "No.", { retryAfterSeconds: 5 }))["retry-after"]).toBe("5");
});

describe("scope", () => {
  test.each([" ", " a", "a ", "a  b", "a\tb", 'a"b', "a\\b", "é", "a\u0000", "x".repeat(101), Array.from({ length: 51 }, (_, at) => `s${at}`).join(" "), "a ".repeat(800)])("%j is none", (text) => {
    expect(problemOfScope(text)).toBeDefined();
  });

  test.each(["", "a", "openid profile", "https://api.example/read"])("%j is one", (text) => {
    expect(problemOfScope(text)).toBeUndefined();
  });

  test("is narrowed, never widened", () => {
    expect(narrowScope(undefined, "a b")).toBe("a b");
    expect(narrowScope("b", "a b")).toBe("b");
    expect(narrowScope("b a b", "a b")).toBe("b a");
    expect(narrowScope("", "a b")).toBe("");
    for (const asked of ["c", "a c", "A", "a,b", "a  b"]) expect(() => narrowScope(asked, "a b")).toThrow(/scope/);
    expect(() => narrowScope("a", "")).toThrow(/scope/);
  });
});

describe("resource", () => {
  test.each(["", "api", "/api", "//api.example", "https://api.example/#a", "https://a@api.example", "https://api.example /", "https://é.example", "x".repeat(257), `https://a.example/${"x".repeat(500)}`])("%j is none", (text) => {
    expect(problemOfResource(text)).toBeDefined();
  });

  test.each(["https://api.example", "https://api.example/v1?x=1", "urn:example:api"])("%j is one", (text) => {
    expect(problemOfResource(text)).toBeUndefined();
  });

  test("is narrowed, never widened", () => {
    expect(narrowResources([], ["a"], ["d"])).toEqual(["d"]);
    expect(narrowResources(["a", "a"], ["a", "b"], ["d"])).toEqual(["a"]);
    for (const asked of [["c"], ["a", "c"], ["A"], ["d"], [""], ["a", "b", "c", "d"]]) {
      expect(() => narrowResources(asked, ["a", "b"], ["d"])).toThrow(/resource/);
    }
  });
});

test("endpoints hang on the issuer's address and on nothing else", () => {
  expect(endpointUrl("https://id.example", "token")).toBe("https://id.example/oauth/token");
  expect(new Set(Object.values(endpoints)).size).toBe(Object.keys(endpoints).length);
});
