/** Passkeys in the compiled executable: the library that checks them is loaded there, when the first one is used. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { CreationOptions, RequestOptions } from "../../src/identity/passkeys/options.ts";
import { defaultSettings } from "../../src/settings.ts";
import type { Running } from "../support/executable.ts";
import { authenticatorDevice } from "../support/passkey.ts";
import { type Administrator, administrator, call, openWorkshop, setUp, type Workshop } from "../support/workshop.ts";

const issuerUrl = "https://id.example.com";

let workshop: Workshop;
let site: Running;
let owner: Administrator;

beforeAll(async () => {
  workshop = await openWorkshop();
  const license = await workshop.sign("passkeys", ["--template", "enterprise", "--days", "30"]);
  site = await workshop.serve(license, { flags: ["--issuer-url", issuerUrl] });
  owner = await setUp(workshop, site);
}, 60_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
  workshop.close();
});

const isCreation = (value: unknown): value is CreationOptions => typeof value === "object" && value !== null && "pubKeyCredParams" in value;
const isRequest = (value: unknown): value is RequestOptions => typeof value === "object" && value !== null && "allowCredentials" in value;

test("a passkey is added through the API and completes a sign-in; a lie does not", async () => {
  const device = authenticatorDevice({ settings: { ...defaultSettings, issuerUrl } });
  const post = (path: string, body: object, bearer?: string) => call(site.urls.api, path, { method: "POST", body: JSON.stringify(body), ...(bearer === undefined ? {} : { bearer }) });
  const begun = await post("/api/v1/users/me/passkeys/options", { current_password: administrator.user_password }, owner.token);
  if (!isCreation(begun.body)) throw new Error(`no options, but ${begun.status}`);
  const added = await post("/api/v1/users/me/passkeys", { display_name: "Laptop", credential: device.create(begun.body) }, owner.token);
  expect([added.status, added.body]).toMatchObject([201, { passkey: { display_name: "Laptop", status: "active" }, recovery_codes: expect.any(Array) }]);
  const login = { email_address: administrator.email_address, user_password: administrator.user_password };
  const step = async () => {
    const { status, body } = await post("/api/v1/auth/login", login);
    const details: unknown = body["details"];
    if (typeof details !== "object" || details === null || !("passkey_options" in details) || !("step_token" in details) || !isRequest(details.passkey_options)) throw new Error(`no second step, but ${status}`);
    return { step_token: details.step_token, options: details.passkey_options };
  };
  const one = await step();
  expect((await post("/api/v1/auth/login/complete", { step_token: one.step_token, passkey: device.get(one.options, { origin: "https://evil.example" }) })).status).toBe(401);
  const two = await step();
  const completed = await post("/api/v1/auth/login/complete", { step_token: two.step_token, passkey: device.get(two.options) });
  expect([completed.status, Object.keys(completed.body)]).toEqual([200, ["access_token", "refresh_token", "expires_in"]]);
});
