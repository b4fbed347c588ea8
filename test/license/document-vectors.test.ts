import { describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LicenseError, readLicense, refuseLowerSequence } from "../../src/license/document.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { attempt, seeded } from "../drill/license-fuzz.ts";
import { testNeeding } from "../support/skip.ts";
import { type LicenseVector, trusted } from "../vectors/license-builder.ts";
import { licenseVectorFiles, licenseVectors, vectorDirectory } from "../vectors/make-license-vectors.ts";

const verifier = join(import.meta.dirname, "../../docs/license-verifier/verify_license.py");

type Asked = Omit<LicenseVector, "name" | "about" | "expect">;

function outcome({ file_base64, keys, highest_sequence = {} }: Asked): LicenseVector["expect"] {
  try {
    const license = readLicense(Buffer.from(file_base64, "base64"), keys.length === 0 ? [] : readTrustedKeys({ keys }));
    refuseLowerSequence(license, highest_sequence[license.deployment_id] ?? 0);
    return "ok";
  } catch (error) {
    if (error instanceof LicenseError) return error.refusal;
    throw error;
  }
}

describe("the published vectors", () => {
  test("are what the committed generator writes", () => {
    const files = licenseVectorFiles();
    expect(readdirSync(vectorDirectory).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    for (const { name, text } of files) expect(readFileSync(join(vectorDirectory, name), "utf8") === text ? "" : name).toBe("");
  });

  test("are more than eighty, more than fifty of them refusals, each with a name of its own", () => {
    expect(licenseVectors.length).toBeGreaterThanOrEqual(80);
    expect(licenseVectors.filter(({ expect: word }) => word !== "ok").length).toBeGreaterThanOrEqual(50);
    expect(new Set(licenseVectors.map(({ name }) => name)).size).toBe(licenseVectors.length);
  });

  test("are counted right on the format page", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/license-format.md"), "utf8");
    expect(page).toContain(`holds ${licenseVectors.length} files`);
  });

  test("name every refusal there is", () => {
    const words = readFileSync(join(import.meta.dirname, "../../docs/license-format.md"), "utf8").matchAll(/^\| \d+ \|.*\| `([a-z_]+)` \|$/gm);
    const documented = [...new Set([...words].map(([, word]) => word ?? ""))];
    const used = new Set(licenseVectors.map(({ expect: word }) => word).filter((word) => word !== "ok"));
    expect(documented.toSorted()).toEqual([...used].toSorted());
  });
});

describe("this reader agrees with the vector", () => {
  test.each(licenseVectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    expect(outcome(vector)).toBe(vector.expect);
  });
});

async function python(paths: readonly string[]): Promise<{ readonly output: string; readonly exitCode: number }> {
  const child = Bun.spawn(["python3", verifier, "--vectors", ...paths], { stdout: "pipe", stderr: "pipe" });
  const [output, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { output: output + errors, exitCode };
}

testNeeding("openssl", "the commands of the format page verify the development license by hand", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/license-format.md"), "utf8");
  const [, commands = ""] = /## Verifying by hand[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "cyberun-by-hand-"));
  try {
    cpSync(join(import.meta.dirname, "../../embedded-keys"), join(folder, "embedded-keys"), { recursive: true });
    const child = Bun.spawn(["sh", "-ec", commands], { cwd: folder, stdout: "pipe", stderr: "pipe" });
    const [output, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect({ errors, exitCode }).toEqual({ errors: "", exitCode: 0 });
    expect(output).toContain("Signature Verified Successfully");
    expect(output).toContain('"deployment_id":"dev"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("the Python reader", () => {
  test("is at most 200 lines", () => {
    expect(readFileSync(verifier, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(200);
  });

  testNeeding(["python3", "openssl"], "agrees with every vector", async () => {
    const paths = licenseVectorFiles().map(({ name }) => join(vectorDirectory, name));
    expect(await python(paths)).toEqual({ output: `${licenseVectors.length} vectors, 0 wrong\n`, exitCode: 0 });
  });

  testNeeding(["python3", "openssl"], "agrees with this reader on mutated files", async () => {
    const random = seeded(42);
    const vectors = Array.from({ length: 300 }, (_, round): LicenseVector => {
      const asked = { keys: trusted, file_base64: Buffer.from(attempt(random).file).toString("base64") };
      return { name: `round ${round}`, about: "mutated", expect: outcome(asked), ...asked };
    });
    const folder = mkdtempSync(join(tmpdir(), "cyberun-vectors-"));
    try {
      writeFileSync(join(folder, "mutated.json"), JSON.stringify(vectors));
      expect(await python([join(folder, "mutated.json")])).toEqual({ output: "300 vectors, 0 wrong\n", exitCode: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
