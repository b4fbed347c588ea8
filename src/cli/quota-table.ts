/** Caps with their use, for people. */
import { type Members, membersOf } from "./api-client.ts";
import { textTable } from "./text-table.ts";

function capOf({ limit }: Members): unknown {
  if (limit === -1) return "unlimited";
  return limit === 0 ? "none" : limit;
}

/** As the API answers them. */
export function quotaTable(quotas: readonly unknown[]): string {
  return textTable(["OF", "QUOTA", "LIMIT", "USED"], quotas.map(membersOf).map((quota) => [quota["namespace"], quota["key"], capOf(quota), quota["used"]]));
}
