/** The own names. Everything else about an account is changed by a deed of its own, or by an administrator. */
import { eq } from "drizzle-orm";
import { assert, invalidField, notFound } from "../fault.ts";
import { command } from "../gate/operation.ts";
import { requireName } from "./names.ts";

export interface ProfileChange {
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly display_name?: string | undefined;
}

/** Changes the names that are given. */
export const updateSelf = command("user.update_self", async ({ caller, writer, note }, input: ProfileChange): Promise<{ readonly id: string }> => {
  assert(caller.kind === "user" || caller.kind === "device", "the row admits people only");
  const names = (["first_name", "last_name", "display_name"] as const).flatMap((field) => {
    const name = input[field];
    return name === undefined ? [] : [[field, requireName(field, name)] as const];
  });
  if (names.length === 0) throw invalidField("first_name", "or last_name or display_name has to be given");
  const { users } = writer.tables;
  const [changed] = await writer.update(users).set(Object.fromEntries(names)).where(eq(users.id, caller.userId)).returning({ id: users.id });
  if (changed === undefined) throw notFound();
  note({ subject: `user:${caller.userId}`, details: { changed: names.map(([field]) => field).join(" ") } });
  return { id: caller.userId };
});
