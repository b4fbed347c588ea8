/**
 * Parts of libraries that this program never reaches, and that a bundler cannot know to be so: a validator of questions that
 * we do not ask, ways of mail that we do not go. Left in, each costs the executable four times its text, since its
 * bytecode lies beside it.
 *
 * Rule: what stands in for a part refuses to work, so that reaching it after all is an error and not another behaviour.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BunPlugin } from "bun";

interface LeftOut {
  /** Of the module's path. */
  readonly module: RegExp;
  /** The module that stands in. */
  readonly contents: string;
}

/** Ours in place of the library's, which reads two numbers by means of a library for all of ASN.1. */
const signatureReader = readFileSync(join(import.meta.dir, "ecdsa-signature.ts"), "utf8");

/** A class that cannot be made, under the names that the part exports. */
function unmakeable(why: string, ...names: readonly string[]): string {
  return `class LeftOut { constructor() { throw new Error(${JSON.stringify(`This is left out of the executable: ${why}.`)}); } }\nexport { ${names.map((name) => `LeftOut as ${name}`).join(", ")} };\n`;
}

const mail = (module: string) => new RegExp(`[\\\\/]nodemailer[\\\\/]dist[\\\\/]esm[\\\\/]${module}[\\\\/]index\\.js$`);
const BY_SMTP = "mail goes by SMTP, each letter over a connection of its own";

/** A passkey that says who made it is refused before the library sees it (`identity/passkeys/verification.ts`), so nothing judges what it says. */
function attestation(module: string): LeftOut {
  const name = module.slice(module.lastIndexOf("/") + 1);
  const contents = `export function ${name}() { throw new Error("This is left out of the executable: no attestation is taken."); }\n`;
  return { module: new RegExp(`[\\\\/]@simplewebauthn[\\\\/]server[\\\\/]esm[\\\\/]${module.replaceAll("/", "[\\\\/]")}\\.js$`), contents };
}

/** Shapes are checked; no value is changed to fit one (`shape.ts`). */
function changing(module: string, ...names: readonly string[]): LeftOut {
  const contents = `const none = () => { throw new Error("This is left out of the executable: values are checked and never changed."); };\nexport { ${names.map((name) => `none as ${name}`).join(", ")} };\n`;
  return { module: new RegExp(`[\\\\/]typebox[\\\\/]build[\\\\/]value[\\\\/]${module.replaceAll("/", "[\\\\/]")}\\.mjs$`), contents };
}

const parts: readonly LeftOut[] = [
  { module: /[\\/]isoCrypto[\\/]unwrapEC2Signature\.js$/, contents: signatureReader },
  changing("clean/clean", "Clean"),
  changing("convert/convert", "Convert"),
  changing("create/create", "Create"),
  changing("default/default", "Default"),
  changing("repair/repair", "Repair"),
  changing("codec/decode", "Decode", "DecodeUnsafe", "DecodeError"),
  changing("codec/encode", "Encode", "EncodeUnsafe", "EncodeError"),
  ...["FIDOU2F", "Packed", "AndroidSafetyNet", "AndroidKey", "Apple"].map((kind) => attestation(`registration/verifications/verifyAttestation${kind}`)),
  attestation("registration/verifications/tpm/verifyAttestationTPM"),
  ...["validateCertificatePath", "isCertRevoked", "getCertificateInfo", "convertX509PublicKeyToCOSE", "validateExtFIDOGenCEAAGUID", "mapX509SignatureAlgToCOSEAlg"].map((name) => attestation(`helpers/${name}`)),
  // It is made with each server and asked only for answers to questions that a server puts to people.
  { module: /[\\/]server[\\/]dist[\\/]ajvProvider-[\w-]+\.mjs$/, contents: `export class n { getValidator() { throw new Error("This is left out of the executable: its tools ask people nothing."); } }\nexport { n as r, n as t };\n` },
  { module: /[\\/]file-type[\\/]source[\\/]index\.js$/, contents: `export async function fileTypeFromBlob() { throw new Error("This is left out of the executable: no door takes files in a form."); }\n` },
  // What wanted it went with the attestations.
  { module: /[\\/]reflect-metadata[\\/]Reflect\.js$/, contents: "export {};\n" },
  { module: mail("fetch"), contents: `export default function none() { throw new Error("This is left out of the executable: nothing of a letter is fetched."); }\n` },
  { module: /[\\/]nodemailer[\\/]dist[\\/]esm[\\/]smtp-connection[\\/]http-proxy-client\.js$/, contents: `export default function none() { throw new Error("This is left out of the executable: mail goes through no proxy."); }\n` },
  { module: mail("smtp-pool"), contents: unmakeable(BY_SMTP, "default") },
  { module: mail("sendmail-transport"), contents: unmakeable(BY_SMTP, "default") },
  { module: mail("ses-transport"), contents: unmakeable(BY_SMTP, "default") },
  { module: mail("stream-transport"), contents: unmakeable(BY_SMTP, "default") },
  { module: mail("json-transport"), contents: unmakeable(BY_SMTP, "default") },
  { module: mail("xoauth2"), contents: unmakeable("a mail server's login is a name and a password", "default") },
  { module: mail("dkim"), contents: unmakeable("the operator's mail server signs", "default") },
  { module: /[\\/]nodemailer[\\/]dist[\\/]esm[\\/]well-known[\\/]services\.js$/, contents: "export const services = {};\n" },
  // Letters are plain text, and nothing hangs on them.
  { module: /[\\/]nodemailer[\\/]dist[\\/]esm[\\/]mime-funcs[\\/]mime-types\.js$/, contents: `const none = () => { throw new Error("This is left out of the executable: letters have no files."); };\nexport { none as detectExtension, none as detectMimeType };\n` },
];

/** A long text that is asked for once in a while lies compressed; it is plain again where it is read. */
function packed(path: string): string {
  const text = Buffer.from(Bun.gzipSync(readFileSync(path), { level: 9 })).toString("base64");
  return `export default new TextDecoder().decode(Bun.gunzipSync(Buffer.from("${text}", "base64")));\n`;
}

export function leftOut(): BunPlugin {
  return {
    name: "left-out",
    setup(build) {
      build.onLoad({ filter: /[\\/]common-passwords\.txt$/ }, ({ path }) => ({ contents: packed(path), loader: "js" }));
      for (const { module, contents } of parts) build.onLoad({ filter: module }, () => ({ contents, loader: "ts" }));
    },
  };
}
