/**
 * Set-up links: the only way into a deployment that has nobody yet. There is no default password.
 *
 * A link is 256 random bits, kept as a keyed digest, good once and for half an hour; a newer one ends the older.
 * Used, expired and unknown links are refused in the same words.
 */
import { and, eq, gt, isNull } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import { Fault } from "../fault.ts";
import { type Act, command, type CommandAct, query } from "../gate/operation.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { findDeployment } from "./deployment.ts";

export interface SetupLink {
  /** Shown once; the store has its digest. */
  readonly setup_token: string;
  readonly setup_url: string;
  readonly expires_at: string;
}

function goneFault(): Fault {
  return new Fault("gone", "This set-up link is not good any more.", {
    hint: "A link is good once and for a short time. Make a new one on the host with: cyberun admin setup-link.",
  });
}

function digestOf({ sealer }: Pick<Act, "sealer">, token: string): string {
  return sealer.digest("setup-link", token);
}

/** Makes a link and ends those before it. Throws Fault `conflict` once the deployment is set up. */
export const createSetupLink = command("setup_link.create", async (act, _input: undefined): Promise<SetupLink> => {
  const { writer, services, settings } = act;
  const { setupLinks } = writer.tables;
  if ((await findDeployment(writer)) !== undefined) {
    throw new Fault("conflict", "This deployment is already set up.", { hint: "Create another administrator on the host with: cyberun admin create." });
  }
  await writer.delete(setupLinks).where(isNull(setupLinks.used_at));
  const token = randomSecret(services.random);
  const now = services.clock.now();
  const expiresAt = now + settings.setupLinkSeconds * 1_000;
  await writer.insert(setupLinks).values({ digest: digestOf(act, token), created_at: now, expires_at: expiresAt });
  act.note({ details: { expires_at: isoTime(expiresAt) } });
  return { setup_token: token, setup_url: `${settings.publicUrl}/setup/${token}`, expires_at: isoTime(expiresAt) };
});

/** Throws Fault `gone` unless `token` is good now. It may still be taken by another before it is used. */
export async function requireSetupLink(act: Pick<Act, "sealer" | "services">, reader: Reader, token: string): Promise<void> {
  const { setupLinks } = reader.tables;
  const isLive = and(eq(setupLinks.digest, digestOf(act, token)), isNull(setupLinks.used_at), gt(setupLinks.expires_at, act.services.clock.now()));
  const [found] = await reader.select({ digest: setupLinks.digest }).from(setupLinks).where(isLive);
  if (found === undefined) throw goneFault();
}

/** Throws Fault `gone` unless the link is good now, before its holder has filled in a form for nothing. */
export const checkSetupLink = query("setup_link.check", async (act, input: { readonly setup_token: string }): Promise<void> => {
  await requireSetupLink(act, act.reader, input.setup_token);
});

/** Uses up the link. Throws Fault `gone` when it is not good, also when another has just used it. */
export async function takeSetupLink(act: CommandAct, token: string): Promise<void> {
  const { writer, services } = act;
  const { setupLinks } = writer.tables;
  const now = services.clock.now();
  const isLive = and(eq(setupLinks.digest, digestOf(act, token)), isNull(setupLinks.used_at), gt(setupLinks.expires_at, now));
  const [taken] = await writer.update(setupLinks).set({ used_at: now }).where(isLive).returning({ digest: setupLinks.digest });
  if (taken === undefined) throw goneFault();
}
