/** The doors by which people change their own ways in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addPerson, PASSWORD } from "../support/people.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
beforeAll(async () => void (site = await startRoles()));
afterAll(() => site.close());

let count = 0;

/** A new person who is signed in. */
async function person() {
  count += 1;
  const email_address = `person${count}@example.com`;
  await addPerson(site.gate, { address: email_address });
  const { body } = await site.call("/api/v1/auth/login", { json: { email_address, user_password: PASSWORD } });
  return { email_address, as: bearer(String(body["access_token"])) };
}

describe("PUT /users/me/password", () => {
  const path = "/api/v1/users/me/password";

  test("answers as documented, and the new password is the one that counts", async () => {
    const { email_address, as } = await person();
    const answer = await site.call(path, { method: "PUT", as, json: { current_password: PASSWORD, new_password: "another good sentence" } });
    expect([answer.status, answer.body]).toEqual([200, { is_success: true }]);
    const login = async (user_password: string) => (await site.call("/api/v1/auth/login", { json: { email_address, user_password } })).status;
    expect([await login(PASSWORD), await login("another good sentence")]).toEqual([401, 200]);
  });

  test.each([
    ["a wrong current password", { current_password: "not the password", new_password: "another good sentence" }],
    ["a common new password", { current_password: PASSWORD, new_password: "Password2026!" }],
    ["a missing field", { new_password: "another good sentence" }],
    ["somebody else's id", { current_password: PASSWORD, new_password: "another good sentence", user_id: "x" }],
    ["another type", { current_password: PASSWORD, new_password: 12345678 }],
  ])("refuses %s with 400 and does not say it back", async (_name, json) => {
    const { as } = await person();
    const answer = await site.call(path, { method: "PUT", as, json });
    expect([answer.status, answer.body["error_code"]]).toEqual([400, "invalid_request"]);
    expect(answer.text).not.toContain(PASSWORD);
    expect(answer.text).not.toContain("another good sentence");
  });
});
