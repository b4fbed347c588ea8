/**
 * Makes `embedded-keys/` anew for development: a trial key pair, and the trial license that `cyberun trial` starts with.
 * Run as `bun build/dev-license.ts [DIR]`.
 *
 * Rule: the private half lives in this process alone and is never written; when it ends, nobody can sign with that key.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publicX, type SigningKey, signingKeyFromSeed, signJws } from "../src/crypto/jws.ts";
import { type License, LICENSE_FORMAT, LICENSE_TYP, readLicense } from "../src/license/document.ts";
import { termsOf } from "../src/license/templates.ts";
import { type EmbeddedKeys, readTrustedKeys } from "../src/license/trusted-keys.ts";
import { realServices } from "../src/services.ts";
import { inReadingOrder } from "../src/vendor/payload.ts";

const YEARS = 10;
const DAY_SECONDS = 86_400;

/** The two files as texts. Pure but for the key that is handed in. */
export function developmentFiles(key: SigningKey, nowSeconds: number): { readonly keys: string; readonly license: string } {
  const keys: EmbeddedKeys = {
    keys: [
      { kid: key.kid, kty: "OKP", crv: "Ed25519", x: publicX(key.publicKey), use: "sig", purpose: "trial", created_at: nowSeconds },
    ],
  };
  // From the first of the year: a host whose clock is some days behind can still start the trial.
  const from = Date.UTC(new Date(nowSeconds * 1000).getUTCFullYear(), 0, 1) / 1000;
  const license: License = inReadingOrder({
    ...termsOf("trial"),
    format: LICENSE_FORMAT,
    license_id: "dev-trial",
    customer: { id: "dev", name: "Development and evaluation" },
    deployment_id: "dev",
    sequence: 1,
    issued_at: from,
    not_before: from,
    expires_at: from + YEARS * 365 * DAY_SECONDS,
    binding: { kind: "any" },
  });
  const file = `${signJws(LICENSE_TYP, key, license)}\n`;
  readLicense(Buffer.from(file), readTrustedKeys(keys));
  return { keys: `${JSON.stringify(keys, null, 2)}\n`, license: file };
}

if (import.meta.main) {
  const { random, clock } = realServices();
  const directory = process.argv[2] ?? join(import.meta.dirname, "../embedded-keys");
  const files = developmentFiles(signingKeyFromSeed(random.bytes(32)), Math.floor(clock.now() / 1000));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "license-keys.json"), files.keys);
  writeFileSync(join(directory, "dev.lic"), files.license);
  process.stdout.write(`wrote license-keys.json and dev.lic to ${directory}\n`);
}
