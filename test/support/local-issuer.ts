/**
 * The roles with an issuer that browsers let have passkeys: known as localhost, which needs no https, as is the dashboard.
 *
 *     await using site = await startLocalIssuer({ settings: { hasMailServer: true } });
 */
import { defaultSettings } from "../../src/settings.ts";
import { type RolesOptions, startRoles, type TestRoles } from "./roles.ts";

export async function startLocalIssuer(options: RolesOptions = {}): Promise<TestRoles> {
  let site: TestRoles | undefined;
  const named = {
    ...options.settings,
    get publicUrl() {
      return site?.urls.api.replace("127.0.0.1", "localhost") ?? defaultSettings.publicUrl;
    },
    get issuerUrl() {
      return site?.urls.issuer.replace("127.0.0.1", "localhost") ?? defaultSettings.issuerUrl;
    },
  };
  site = await startRoles({ ...options, settings: named });
  return site;
}
