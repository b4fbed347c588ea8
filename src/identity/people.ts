/**
 * People: the rows behind accounts.
 *
 * Rule: only identity writes a user. Checks what people type before anything is hashed or stored.
 */
import { count } from "drizzle-orm";
import { Fault } from "../fault.ts";
import type { CommandAct } from "../gate/operation.ts";
import type { Qualified } from "../license/entitlements.ts";
import type { Reader } from "../store/store.ts";
import { type EmailAddress, requireEmailAddress } from "./email-address.ts";
import { requireName } from "./names.ts";
import { requireNewPassword } from "./passwords.ts";

export interface PersonInput {
  readonly first_name: string;
  readonly last_name: string;
  readonly email_address: string;
  readonly user_password: string;
}

/** What was typed, checked. The password is still in clear: hash it and forget this. */
export interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: EmailAddress;
  readonly password: string;
}

/** Throws Fault `invalid_request` naming the first field that cannot be. */
export function requirePerson(input: PersonInput): Person {
  return {
    firstName: requireName("first_name", input.first_name),
    lastName: requireName("last_name", input.last_name),
    email: requireEmailAddress(input.email_address),
    password: requireNewPassword("user_password", input.user_password),
  };
}

export const maxUsers: Qualified = { namespace: "global", key: "max_users" };

/** What `max_users` caps. Who has begun to sign up has a place already. */
export function countUsers(reader: Reader) {
  return reader.select({ count: count() }).from(reader.tables.users);
}

/** Inserts an administrator and gives the id. Throws Fault `conflict` when the address has an account. */
export async function insertAdministrator({ writer, services }: CommandAct, person: Person, passwordHash: string): Promise<string> {
  const { users } = writer.tables;
  const [inserted] = await writer
    .insert(users)
    .values({
      id: services.random.uuid(),
      email_address: person.email.address,
      email_key: person.email.key,
      first_name: person.firstName,
      last_name: person.lastName,
      display_name: `${person.firstName} ${person.lastName}`,
      password_hash: passwordHash,
      is_administrator: true,
      // Whoever holds the host vouches for the address.
      email_verified: true,
      created_at: services.clock.now(),
    })
    .onConflictDoNothing({ target: users.email_key })
    .returning({ id: users.id });
  if (inserted !== undefined) return inserted.id;
  throw new Fault("conflict", "There is already an account with this email address.", { hint: "Sign in with it, or choose another address." });
}
