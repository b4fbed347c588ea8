import { expect, test } from "bun:test";
import { leaseSite, stateOf } from "../support/lease-site.ts";

test("a role of the License Server's own data directory enrols itself and obeys its lease", async () => {
  await using site = leaseSite();
  const server = site.server();
  const holder = await site.role("api", [server]);
  expect(holder.status().addresses).toEqual([]);
  expect(stateOf(holder)).toBe("ok");
});
