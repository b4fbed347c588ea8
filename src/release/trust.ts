/**
 * Which releases this build takes for its vendor's: the root keys, and the list of release keys of the day it was made.
 *
 * Rule: fixed at build time, like the keys of licenses (`license/trust.ts`). A build without root keys verifies nothing.
 */
import embedded from "../../embedded-keys/release-roots.json";
import { type KeyList, rootKeys } from "./documents.ts";
import type { Trust } from "./verify.ts";

interface Embedded {
  /** Public keys as minisign writes them. */
  readonly roots: readonly string[];
  readonly known?: KeyList;
}

const { roots, known }: Embedded = embedded;

export const releaseTrust: Trust = Object.freeze({ roots: rootKeys(roots), known });
