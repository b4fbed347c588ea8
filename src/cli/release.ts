/** `cyberun release verify`: whether a release comes from this build's vendor, as a whole. */
import { resolve } from "node:path";
import { releaseTrust } from "../release/trust.ts";
import { verifyRelease } from "../release/verify.ts";
import type { Context, Result } from "./context.ts";

export async function releaseVerify({ operands }: Context): Promise<Result> {
  const path = resolve(operands[0] ?? "");
  const { manifest, keyId, serial, bytes } = verifyRelease(path, releaseTrust);
  const { version, target, files, built_at, upgrades_from } = manifest;
  const data = { release: path, version, target, built_at, upgrades_from, files: files.length, bytes, release_key: keyId, key_list_serial: serial };
  return { data, text: `The release ${version} for ${target} is whole and signed by its vendor: ${files.length} files, ${bytes} bytes, release key ${keyId}.` };
}
