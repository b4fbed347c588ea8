/** The browser's passkeys (Web Authentication level 3), where it has them: not over plain HTTP, and not in every browser. */

export type PasskeyOptions = Readonly<Record<string, unknown>>;

/** Whether a page may ask for passkeys here. */
export function hasPasskeys(): boolean {
  return "PublicKeyCredential" in window && typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function";
}

/** The browser checks each member; here it is told apart from an answer that holds no question at all. */
function asksToCreate(options: PasskeyOptions): options is PasskeyOptions & PublicKeyCredentialCreationOptionsJSON {
  return typeof options["challenge"] === "string" && typeof options["rp"] === "object";
}

function asksToAnswer(options: PasskeyOptions): options is PasskeyOptions & PublicKeyCredentialRequestOptionsJSON {
  return typeof options["challenge"] === "string";
}

function jsonOf(credential: Credential | null): Readonly<Record<string, unknown>> {
  if (!(credential instanceof PublicKeyCredential)) throw new Error("the browser gave no passkey");
  return Object.fromEntries(Object.entries(credential.toJSON()));
}

/** A new passkey, as the API takes it. Rejects when the person calls it off. */
export async function createPasskey(options: PasskeyOptions): Promise<Readonly<Record<string, unknown>>> {
  if (!asksToCreate(options)) throw new Error("the server asks for no passkey");
  return jsonOf(await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));
}

/** A passkey's answer to the question. Rejects when the person calls it off. */
export async function answerPasskey(options: PasskeyOptions): Promise<Readonly<Record<string, unknown>>> {
  if (!asksToAnswer(options)) throw new Error("the server asks nothing of a passkey");
  return jsonOf(await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }));
}
