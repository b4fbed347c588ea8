/**
 * Writes the revocation vectors: `bun test/vectors/make-revocation-vectors.ts`. A test holds the committed files to this
 * output. The fields are those of the license vectors.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Case, type LicenseVector, vectorOf } from "./license-builder.ts";
import { revocationContentCases, revocationEnvelopeCases, revocationSequenceCases } from "./revocation-cases.ts";

export const revocationVectorDirectory = join(import.meta.dirname, "revocation");

const files: Readonly<Record<string, readonly Case[]>> = {
  "envelope.json": revocationEnvelopeCases,
  "content.json": revocationContentCases,
  "sequence.json": revocationSequenceCases,
};

export const revocationVectors: readonly LicenseVector[] = Object.values(files).flat().map(vectorOf);

/** Every file of vectors: name and text. */
export function revocationVectorFiles(): readonly { readonly name: string; readonly text: string }[] {
  return Object.entries(files).map(([name, cases]) => ({ name, text: `${JSON.stringify(cases.map(vectorOf), null, 1)}\n` }));
}

if (import.meta.main) {
  for (const { name, text } of revocationVectorFiles()) writeFileSync(join(revocationVectorDirectory, name), text);
}
