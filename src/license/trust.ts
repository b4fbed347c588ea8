/**
 * Whom this build trusts: the public keys that were embedded when it was made, and the license that came with them.
 *
 * Rule: everything here is fixed at build time. No flag, variable, file or request adds a key at run time; a build for
 * another vendor embeds another folder (`--keys DIR`). A folder that is not exactly right stops the start.
 */
import bundledText from "../../embedded-keys/dev.lic" with { type: "text" };
import embeddedKeys from "../../embedded-keys/license-keys.json";
import type { TrustedKey } from "./document.ts";
import { readTrustedKeys } from "./trusted-keys.ts";

/** The keys of this build. */
export const trustedKeys: readonly TrustedKey[] = Object.freeze(readTrustedKeys(embeddedKeys));

/** The license file that came with this build, for `cyberun trial`; empty when the vendor bundled none. */
export const bundledLicense: string = bundledText;
