/**
 * A vendor's keys and a release that is small: what stands for the executable is a few thousand bytes, the rest is as it is carried to a site.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../build/executables.ts";
import { realServices } from "../../src/services.ts";
import { runVendor } from "../../src/vendor/vendor.ts";

export interface ReleaseDesk {
  readonly folder: string;
  readonly keys: string;
  /** Runs `cyberun-vendor` with the keys of this desk; gives its answer. */
  vendor(...words: readonly string[]): Readonly<Record<string, unknown>>;
  /** Makes the bundle of a build's folder. */
  bundle(build: string, name: string, ...more: readonly string[]): string;
}

function answerOf(argv: readonly string[], directory: string): Readonly<Record<string, unknown>> {
  let [out, error] = ["", ""];
  const exit = runVendor([...argv, "--json"], { services: realServices(), directory }, { out: (text) => (out += text), error: (text) => (error += text) });
  if (exit !== 0) throw new Error(error);
  return JSON.parse(out);
}

/** Two root keys and one release key, in `folder/keys`, beside the public keys of licenses that builds embed. */
export function releaseDesk(folder: string): ReleaseDesk {
  const keys = join(folder, "keys");
  cpSync(join(root, "embedded-keys"), keys, { recursive: true });
  const options = ["--keys-dir", keys, "--private-dir", join(folder, "private")];
  const vendor = (...words: readonly string[]) => answerOf([...words, ...options], folder);
  vendor("release-keys", "create-root");
  vendor("release-keys", "create-root");
  vendor("release-keys", "create");
  const bundle = (build: string, name: string, ...more: readonly string[]) => {
    vendor("bundle", build, "--out", join(folder, name), ...more);
    return join(folder, name);
  };
  return { folder, keys, vendor, bundle };
}

/** What a build leaves, with small contents. */
export function smallBuild(folder: string, version: string): string {
  mkdirSync(join(folder, "docs"), { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  write("cyberun", `#!/bin/sh\necho "cyberun ${version}"\n${"# what makes it large\n".repeat(200)}`);
  write("install.sh", readFileSync(join(root, "install.sh"), "utf8"));
  write("sbom.cdx.json", "{}\n");
  write("provenance.json", "{}\n");
  write("licences.txt", "none\n");
  write("docs/index.html", "<!doctype html>\n");
  write("build.json", `${JSON.stringify({ version, target: "linux-x64", built_at: 1_700_000_000, upgrades_from: "0.1.0", schema: { from: 1, to: 27 } })}\n`);
  return folder;
}
