import { expect, test } from "bun:test";
import { findRelyingParty, mayAskAt } from "../../../src/identity/passkeys/relying-party.ts";

const ID = "https://id.example.com";

const parties: readonly (readonly [string, string, string, readonly string[] | undefined])[] = [
  ["one host", ID, "https://id.example.com:9401", [ID, "https://id.example.com:9401"]],
  ["a dashboard below the issuer", "https://example.com", "https://console.example.com", ["https://example.com", "https://console.example.com"]],
  ["a dashboard beside the issuer", ID, "https://console.example.com", [ID]],
  ["a dashboard above the issuer", ID, "https://example.com", [ID]],
  ["a dashboard whose name ends alike", ID, "https://badid.example.com", [ID]],
  ["a dashboard without https", ID, "http://id.example.com:9401", [ID]],
  ["a dashboard at an address", ID, "https://192.0.2.1", [ID]],
  ["localhost", "http://localhost:9403", "http://localhost:9401", ["http://localhost:9403", "http://localhost:9401"]],
  ["an issuer at an address", "http://127.0.0.1:9403", "http://127.0.0.1:9401", undefined],
  ["an issuer at an IPv6 address", "https://[2001:db8::1]", ID, undefined],
  ["an issuer without https", "http://id.example.com", ID, undefined],
];

test.each(parties)("%s", (_name, issuerUrl, publicUrl, origins) => {
  expect(findRelyingParty({ issuerUrl, publicUrl })?.origins).toEqual(origins === undefined ? undefined : [...origins]);
  expect(mayAskAt({ issuerUrl, publicUrl }, publicUrl)).toBe(origins?.includes(publicUrl) ?? false);
});
