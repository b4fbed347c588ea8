/**
 * The trusted keys of a build: whatever imports from `embedded-keys/` gets the files of the chosen folder instead.
 *
 * Rule: the trust of an executable is decided here, at build time, and nowhere else. Only public keys are let in.
 * It must not know what the keys are used for.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { BunPlugin } from "bun";

/** JSON Web Key members that make a key private (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1; RFC 8037 section 2). */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The private members anywhere in `value`, as paths such as `keys.0.d`. */
export function findPrivateMembers(value: unknown, path = ""): readonly string[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = path === "" ? name : `${path}.${name}`;
    return [...(privateMembers.includes(name) ? [here] : []), ...findPrivateMembers(member, here)];
  });
}

function publicKeys(path: string): string {
  const text = readFileSync(path, "utf8");
  const found = findPrivateMembers(JSON.parse(text));
  if (found.length > 0) throw new Error(`${path} holds private key material (${found.join(", ")}): embed the public half only`);
  return text;
}

/** Answers every import from `embedded-keys/` with the file of the same name in `folder`; a missing `.lic` is an empty text. */
export function embeddedKeys(folder: string): BunPlugin {
  return {
    name: "embedded-keys",
    setup(build) {
      build.onResolve({ filter: /\/embedded-keys\/[^/]+$/ }, ({ path }) => ({ path: basename(path), namespace: "embedded-keys" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-keys" }, ({ path }) => {
        const file = join(folder, path);
        if (path.endsWith(".json")) return { contents: publicKeys(file), loader: "json" };
        return { contents: existsSync(file) ? readFileSync(file, "utf8") : "", loader: "text" };
      });
    },
  };
}
