/** The frame of the pages that one browser is shown: how the deployment is called, and which language is wanted. */
import { Fault } from "../fault.ts";
import type { Caller } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import { readDeployment } from "../identity/deployment.ts";
import type { Frame } from "./frame.ts";
import { languageFor } from "./language.ts";

const anonymous: Caller = { kind: "anonymous" };
/** Before set-up. */
const PLAIN_NAME = "Cyberun";

function frameNamed({ settings }: Gate, request: Request, { name, uiLocales }: { readonly name: string; readonly uiLocales?: string | undefined }): Frame {
  return { deploymentName: name, language: languageFor(uiLocales, request.headers.get("accept-language")), hasLogo: settings.logo !== undefined };
}

/** The frame of a page for this browser. */
export async function frameOf(gate: Gate, request: Request, uiLocales?: string): Promise<Frame> {
  const { display_name } = await readDeployment(gate, anonymous, undefined);
  return frameNamed(gate, request, { name: display_name ?? PLAIN_NAME, uiLocales });
}

/** The same for a page that says what was refused: when the store is what refuses, the page still comes. */
export async function frameOfRefusal(gate: Gate, request: Request): Promise<Frame> {
  try {
    return await frameOf(gate, request);
  } catch (error) {
    if (error instanceof Fault) return frameNamed(gate, request, { name: PLAIN_NAME });
    throw error;
  }
}
