/** `cyberun devices …`: a person's own devices, listed and ended. */
import { callApi, itemPath, type Members, membersOf, requireAccess, shownText } from "./api-client.ts";
import type { Context, Result } from "./context.ts";

const PER_PAGE = 100;
/** Far more than a person has. */
const PAGES_MAX = 100;

function deviceLine({ id, display_name, team_name, last_used_at, is_current }: Members): string {
  const used = last_used_at === null ? "not used yet" : `last used ${shownText(last_used_at).slice(0, 10)}`;
  return `${shownText(id)}  ${shownText(display_name)}  (${shownText(team_name)}, ${used})${is_current === true ? "  this device" : ""}`;
}

export async function devicesList(context: Context): Promise<Result> {
  const access = requireAccess(context.config);
  const devices: Members[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const { device_list } = await callApi(context, access, { method: "GET", path: `/api/v1/users/me/devices?per_page=${PER_PAGE}&current_page=${page}` });
    const found: readonly unknown[] = Array.isArray(device_list) ? device_list : [];
    devices.push(...found.map(membersOf));
    if (found.length < PER_PAGE) break;
  }
  return { data: { devices }, text: devices.length === 0 ? "There is no device." : devices.map(deviceLine).join("\n") };
}

export async function devicesRevoke(context: Context): Promise<Result> {
  const [id = ""] = context.operands;
  await callApi(context, requireAccess(context.config), { method: "DELETE", path: itemPath("/api/v1/users/me/devices", id) });
  return { data: { id, is_revoked: true }, text: `The device ${shownText(id)} is revoked, with its agent key.` };
}
