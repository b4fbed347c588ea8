/** The reader of revocations against the published vectors, against every flipped bit, and against the reader in Python. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LicenseError, openLicense, refuseLowerSequence } from "../../src/license/document.ts";
import { isLater, openRevocation, revokes } from "../../src/license/revocation.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { openVendorFile } from "../../src/license/vendor-file.ts";
import { mutated, pick, type Random, seeded } from "../drill/license-fuzz.ts";
import { testNeeding } from "../support/skip.ts";
import { flipped, license, licenseKey, type LicenseVector, reference, sealed, strangeKey, trialKey, trusted } from "../vectors/license-builder.ts";
import { revocationVectorDirectory, revocationVectorFiles, revocationVectors } from "../vectors/make-revocation-vectors.ts";
import { referenceRevocation, revocation, revocationHeader } from "../vectors/revocation-cases.ts";

const folderOfReaders = join(import.meta.dirname, "../../docs/license-verifier");
const verifier = join(folderOfReaders, "verify_revocation.py");
const keysOfVectors = readTrustedKeys({ keys: trusted });

type Asked = Omit<LicenseVector, "name" | "about" | "expect">;

/** The word for what `read` throws, or ok. */
function wordFor(read: () => void): LicenseVector["expect"] {
  try {
    read();
    return "ok";
  } catch (error) {
    if (error instanceof LicenseError) return error.refusal;
    throw error;
  }
}

function outcome({ file_base64, keys, highest_sequence = {} }: Asked): LicenseVector["expect"] {
  return wordFor(() => {
    const read = openRevocation(Buffer.from(file_base64, "base64"), keys.length === 0 ? [] : readTrustedKeys({ keys })).revocation;
    refuseLowerSequence(read, highest_sequence[read.deployment_id] ?? 0);
  });
}

describe("the published vectors", () => {
  test("are what the committed generator writes", () => {
    const files = revocationVectorFiles();
    expect(readdirSync(revocationVectorDirectory).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    for (const { name, text } of files) expect(readFileSync(join(revocationVectorDirectory, name), "utf8") === text ? "" : name).toBe("");
  });

  test("are mostly refusals, each with a name of its own, and counted right on the format page", () => {
    expect(revocationVectors.filter(({ expect: word }) => word !== "ok").length).toBeGreaterThanOrEqual(50);
    expect(new Set(revocationVectors.map(({ name }) => name)).size).toBe(revocationVectors.length);
    const page = readFileSync(join(import.meta.dirname, "../../docs/license-format.md"), "utf8");
    expect(page).toContain(`holds ${revocationVectors.length} revocations`);
  });

  test("name every refusal of a revocation that the format page lists", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/license-format.md"), "utf8");
    const [, section = ""] = /## Revocations\n([\s\S]*?)\n## /.exec(page) ?? [];
    const used = new Set(revocationVectors.map(({ expect: word }) => word).filter((word) => word !== "ok"));
    for (const word of used) expect([word, section.includes(`\`${word}\``)]).toEqual([word, true]);
  });
});

describe("this reader agrees with the vector", () => {
  test.each(revocationVectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    expect(outcome(vector)).toBe(vector.expect);
  });
});

test("every single bit of a revocation counts: with any one of them turned it is refused", () => {
  const good = revocation();
  const words = new Map<string, number>();
  for (let byte = 0; byte < good.length; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      const file = flipped(good, byte, bit);
      const word = wordFor(() => openRevocation(file, keysOfVectors));
      // Nor is it anything else that a vendor sends.
      expect([byte, bit, word === "ok", wordFor(() => openVendorFile(file, keysOfVectors)) === "ok"]).toEqual([byte, bit, false, false]);
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  expect([...words.values()].reduce((sum, count) => sum + count, 0)).toBe(good.length * 8);
  expect([...words.keys()].toSorted()).toEqual(["bad_signature", "malformed", "unknown_key", "wrong_algorithm", "wrong_type"]);
});

describe("the two kinds of a vendor's files", () => {
  test("are told apart by their signed header, and neither reader takes the other's", () => {
    const files = { license: Buffer.from(license()), revocation: Buffer.from(revocation()) };
    expect(openVendorFile(files.license, keysOfVectors)).toMatchObject({ kind: "license", license: { sequence: 7 } });
    expect(openVendorFile(files.revocation, keysOfVectors)).toMatchObject({ kind: "revocation", revocation: { sequence: 8 } });
    expect([wordFor(() => openLicense(files.revocation, keysOfVectors)), wordFor(() => openRevocation(files.license, keysOfVectors))]).toEqual(["wrong_type", "wrong_type"]);
  });

  test("a file that is neither is refused as the license it was handed in for", () => {
    const lease = sealed(JSON.stringify({ alg: "EdDSA", kid: licenseKey.kid, typ: "cyberun-lease+jws" }), "{}");
    expect(() => openVendorFile(Buffer.from(lease), keysOfVectors)).toThrow("the file is not a valid license: the header's typ is not cyberun-license+jws");
    expect(() => openVendorFile(Buffer.from(revocation({ reason: "" })), keysOfVectors)).toThrow("the content is not a revocation");
    expect(() => openVendorFile(Buffer.from(revocation({}, strangeKey)), keysOfVectors)).toThrow("the file is not a valid revocation");
  });

  test("stand in one order", () => {
    const at = (sequence: number, issued_at: number) => ({ ...reference, sequence, issued_at });
    const { issued_at } = referenceRevocation;
    const ended = [at(7, issued_at - 1), at(7, issued_at + 1), at(1, 0), at(8, issued_at), at(8, issued_at - 1)];
    const standing = [at(8, issued_at + 1), at(9, 0), { ...at(7, 0), deployment_id: "example-plant-2" }];
    expect(ended.map((one) => revokes(referenceRevocation, one))).toEqual(ended.map(() => true));
    expect(standing.map((one) => revokes(referenceRevocation, one))).toEqual(standing.map(() => false));
    expect([isLater(at(1, 1), at(1, 1)), isLater(at(2, 0), at(1, 9)), isLater(at(1, 9), at(2, 0))]).toEqual([false, true, false]);
  });
});

const good = revocation();
const content = JSON.stringify(referenceRevocation);

/** A mutated file: a good one torn, or mutated content signed by a key that may, one that may not, or a stranger under a trusted name. */
function attempt(random: Random): { readonly file: Uint8Array; readonly content: Uint8Array | undefined } {
  const key = pick(random, [licenseKey, trialKey, strangeKey, undefined]);
  if (key === undefined) return { file: mutated(random, good), content: undefined };
  const bytes = mutated(random, content);
  const named = key === strangeKey && random() < 0.5 ? licenseKey : key;
  return { file: Buffer.from(sealed(revocationHeader({}, named), bytes, key)), content: key === licenseKey ? bytes : undefined };
}

/** Mutations that take themselves back, or add the line end that a file may have. */
function isSame(file: Uint8Array): boolean {
  return [good, `${good}\n`, `${good}\r\n`].includes(Buffer.from(file).toString("latin1"));
}

test("mutated files are refused with a reason and never break the reader", () => {
  const random = seeded(20_261_125);
  const words = new Map<string, number>();
  for (let round = 0; round < 4_000; round++) {
    const tried = attempt(random);
    const word = wordFor(() => {
      const { revocation: read } = openRevocation(tried.file, keysOfVectors);
      if (tried.content === undefined) expect([round, isSame(tried.file)]).toEqual([round, true]);
      else expect<unknown>(read).toEqual(JSON.parse(Buffer.from(tried.content).toString("utf8")));
    });
    words.set(word, (words.get(word) ?? 0) + 1);
  }
  expect([...words.keys()]).toEqual(expect.arrayContaining(["malformed", "bad_signature", "bad_format", "unknown_key", "wrong_purpose", "ok"]));
});

async function python(...args: readonly string[]): Promise<{ readonly output: string; readonly exitCode: number }> {
  const child = Bun.spawn(["python3", verifier, ...args], { stdout: "pipe", stderr: "pipe" });
  const [output, errors, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { output: output + errors, exitCode };
}

describe("the Python reader", () => {
  test("is at most 120 lines", () => {
    expect(readFileSync(verifier, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(120);
  });

  testNeeding(["python3", "openssl"], "agrees with every vector, and with this reader on mutated files", async () => {
    const random = seeded(43);
    const mutants = Array.from({ length: 150 }, (_, round): LicenseVector => {
      const asked = { keys: trusted, file_base64: Buffer.from(attempt(random).file).toString("base64") };
      return { name: `round ${round}`, about: "mutated", expect: outcome(asked), ...asked };
    });
    const folder = mkdtempSync(join(tmpdir(), "cyberun-vectors-"));
    try {
      writeFileSync(join(folder, "mutated.json"), JSON.stringify(mutants));
      const paths = revocationVectorFiles().map(({ name }) => join(revocationVectorDirectory, name));
      expect(await python("--vectors", ...paths, join(folder, "mutated.json"))).toEqual({ output: `${revocationVectors.length + 150} vectors, 0 wrong\n`, exitCode: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  testNeeding(["python3", "openssl"], "says whether a license has ended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cyberun-vectors-"));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    try {
      const keys = file("license-keys.json", JSON.stringify({ keys: trusted }));
      const ends = file("ends", revocation());
      const ended = await python(keys, ends, file("a.lic", license()));
      expect([ended.exitCode, ended.output]).toEqual([0, expect.stringContaining("vector-0001: revoked")]);
      const renewed = await python(keys, ends, file("b.lic", license({ sequence: 8, issued_at: referenceRevocation.issued_at + 1, license_id: "renewed" })));
      expect([renewed.exitCode, renewed.output]).toEqual([1, expect.stringContaining("renewed: not revoked")]);
      expect((await python(keys, file("c.lic", license()))).output).toStartWith("wrong_type");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
