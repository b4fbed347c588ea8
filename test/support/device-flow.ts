/**
 * A device's way to tokens, short: codes over a real socket, a person who decides, polls.
 *
 *     const flow = await startDeviceFlow(site);
 *     const codes = await flow.ask({ scope: "openid" });
 *     await flow.decide(codes.userCode, "allow");
 *     const { status, body } = await flow.poll(codes.deviceCode);
 */
import type { UserCaller } from "../../src/gate/caller.ts";
import { DEVICE_GRANT } from "../../src/oidc/clients/client.ts";
import { decideDeviceAuthorization } from "../../src/oidc/device/verification.ts";
import { basic, post } from "./oauth.ts";
import { addClient, type TestClient } from "./oidc-client.ts";
import { ownerAddress, signIn } from "./people.ts";
import type { Answer, TestRoles } from "./roles.ts";

type Parameters = Readonly<Record<string, string>>;

export interface Codes {
  readonly deviceCode: string;
  readonly userCode: string;
}

export interface DeviceFlow {
  readonly client: TestClient;
  readonly person: UserCaller;
  start(form?: Parameters, headers?: Parameters): Promise<Answer>;
  /** The codes of a new request. */
  ask(form?: Parameters): Promise<Codes>;
  decide(userCode: string, decision: "allow" | "deny", person?: UserCaller): Promise<void>;
  poll(deviceCode: string, changes?: Parameters, headers?: Parameters): Promise<Answer>;
}

const metadata = { grant_types: [DEVICE_GRANT, "refresh_token"], response_types: [], redirect_uris: [], scope: "openid profile email offline_access" };

/** A person who is signed in at the issuer. */
export async function signedInPerson({ gate }: TestRoles, address: string = ownerAddress): Promise<UserCaller> {
  const { userId, sessionId } = await signIn(gate, address, "cookie");
  return { kind: "user", userId, sessionId, isAdministrator: false, teamId: undefined, address: "192.0.2.7" };
}

/** A client whose devices ask, and a person who is signed in. */
export async function startDeviceFlow(site: TestRoles, options: { readonly client?: TestClient; readonly metadata?: Readonly<Record<string, unknown>> } = {}): Promise<DeviceFlow> {
  const client = options.client ?? (await addClient(site.gate, { client_name: "Wall screen", ...metadata, ...options.metadata }));
  const own = client.secret === "" ? { form: { client_id: client.id }, headers: {} } : { form: {}, headers: basic(client) };
  const person = await signedInPerson(site);
  const start: DeviceFlow["start"] = async (form = {}, headers = {}) =>
    await post(site, "device_authorization", { form: { ...own.form, ...form }, headers: { ...own.headers, ...headers } });
  return {
    client,
    person,
    start,
    async ask(form) {
      const { status, text, body } = await start(form);
      if (status !== 200) throw new Error(`no codes, but ${status} ${text}`);
      return { deviceCode: String(body["device_code"]), userCode: String(body["user_code"]) };
    },
    async decide(userCode, decision, by = person) {
      await decideDeviceAuthorization(site.gate, by, { user_code: userCode, decision });
    },
    poll: async (deviceCode, changes = {}, headers = {}) =>
      await post(site, "token", { form: { grant_type: DEVICE_GRANT, device_code: deviceCode, ...own.form, ...changes }, headers: { ...own.headers, ...headers } }),
  };
}
