/**
 * Writes the license vectors: `bun test/vectors/make-license-vectors.ts`. A test holds the committed files to this output.
 * The files are for every reader of the format, ours or not; the fields are told in `docs/license-format.md`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Case, type LicenseVector, vectorOf } from "./license-builder.ts";
import { contentCases, jsonCases, purposeCases, sequenceCases } from "./license-cases-content.ts";
import { encodingCases, headerCases, signatureCases } from "./license-cases-envelope.ts";

export const vectorDirectory = join(import.meta.dirname, "license");

const files: Readonly<Record<string, readonly Case[]>> = {
  "encoding.json": encodingCases,
  "header.json": headerCases,
  "signature.json": signatureCases,
  "strict-json.json": jsonCases,
  "content.json": contentCases,
  "purpose.json": purposeCases,
  "sequence.json": sequenceCases,
};

export const licenseVectors: readonly LicenseVector[] = Object.values(files).flat().map(vectorOf);

/** Every file of vectors: name and text. */
export function licenseVectorFiles(): readonly { readonly name: string; readonly text: string }[] {
  return Object.entries(files).map(([name, cases]) => ({ name, text: `${JSON.stringify(cases.map(vectorOf), null, 1)}\n` }));
}

if (import.meta.main) {
  for (const { name, text } of licenseVectorFiles()) writeFileSync(join(vectorDirectory, name), text);
}
