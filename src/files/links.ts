/**
 * Links to bytes: whoever has one may do the one thing it is for, with the one file, until it ends. They are for programs
 * that fetch or send bytes without a key of the platform's.
 *
 * Rule: a link is checked before anything is looked up, in constant time, and by no other way than this file's.
 */
import type { Sealer } from "../crypto/sealing.ts";
import { isSameSecret } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import type { Act } from "../gate/operation.ts";

/** As in the documented samples. */
export const LINK_SECONDS = 3_600;

export type LinkPurpose = "upload" | "download";

export interface ShownLink {
  readonly file_id: string;
  /** Epoch seconds, as text. */
  readonly expires: string;
  readonly signature: string;
}

export interface Link {
  readonly url: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SECONDS = /^[1-9][0-9]{9,11}$/;

function signatureOf(sealer: Sealer, purpose: LinkPurpose, { file_id, expires }: Omit<ShownLink, "signature">): string {
  return sealer.digest("file-link", `${purpose}:${file_id}:${expires}`);
}

export function linkTo({ sealer, services, settings }: Pick<Act, "sealer" | "services" | "settings">, purpose: LinkPurpose, fileId: string): Link {
  const seconds = Math.floor(services.clock.now() / 1_000) + LINK_SECONDS;
  const expires = String(seconds);
  const signature = signatureOf(sealer, purpose, { file_id: fileId, expires });
  return { url: `${settings.publicUrl}/api/v1/files/${fileId}/content?expires=${expires}&signature=${signature}`, expiresAtMs: seconds * 1_000 };
}

/** The file that the link is to. Throws Fault `forbidden` for a link that is altered, for another purpose, or over. */
export function requireLink({ sealer, services }: Pick<Act, "sealer" | "services">, purpose: LinkPurpose, link: ShownLink): string {
  const isForm = ID.test(link.file_id) && SECONDS.test(link.expires);
  const isOurs = isSameSecret(link.signature, signatureOf(sealer, purpose, link));
  if (isForm && isOurs && services.clock.now() < Number(link.expires) * 1_000) return link.file_id;
  throw new Fault("forbidden", `The link is not good for this ${purpose}.`, { hint: "A link is for one file and one purpose, and ends after an hour. Ask for a new one." });
}
