/**
 * Whom a role trusts: the instance keys that it obeys, and the secret by which it enrols with each.
 *
 * There are two ways to be trusted, and both are the operator's doing. The License Server of the same data directory is
 * trusted because its key lies there; one on another host because a join token names its thumbprint. Nothing that
 * travels over the network ever adds a pin.
 *
 * Rule: reads files and tokens, speaks to nobody. The local files are read again for each attempt, because a License
 * Server may be made anew beside a running role.
 */
import { decodeBase64url } from "../../crypto/base64url.ts";
import { publicX, signingKeyFromSeed, thumbprint } from "../../crypto/jws.ts";
import { type DataDirectory, findFile } from "../../data-directory.ts";
import { Fault } from "../../fault.ts";
import { type EnrolmentExchange, enrolmentMac } from "../enrolment-mac.ts";
import { type JoinToken, parseJoinToken } from "../join-token.ts";
import type { Enrolment } from "../lease.ts";
import { PINS_MAX } from "./state-file.ts";

/** The 32 bytes in the file, or undefined when there is no file or no such content. */
function findSecret(path: string): Uint8Array | undefined {
  const found = findFile(path);
  const bytes = found === undefined ? undefined : decodeBase64url(found.toString("latin1").trim());
  return bytes?.length === 32 ? bytes : undefined;
}

/** Thumbprint of the License Server that lives in the same data directory, if one does. */
function findLocalInstance({ instanceKey }: DataDirectory): string | undefined {
  const seed = findSecret(instanceKey);
  return seed === undefined ? undefined : thumbprint(publicX(signingKeyFromSeed(seed).publicKey));
}

/**
 * The join tokens in `text`, separated by commas or line ends; a role that knows License Servers on several hosts has several.
 * Throws Fault `invalid_request` for anything else; the sentence does not repeat the text, which may be a secret.
 */
export function readJoinTokens(text: string): readonly JoinToken[] {
  const parts = text.split(/[,\s]+/).filter((part) => part !== "");
  const tokens = parts.flatMap((part) => parseJoinToken(part) ?? []);
  if (tokens.length === parts.length && tokens.length <= PINS_MAX) return tokens;
  throw new Fault("invalid_request", "The join token is not one that a License Server made.", {
    hint: "Make a new one on the License Server's host and copy the whole line, from join- to its end.",
  });
}

/** The pins after `tokens` were given to the role; the newest stay when there are too many. */
export function pinnedBy(pins: readonly string[], tokens: readonly JoinToken[]): string[] {
  return [...new Set([...tokens.map(({ instance }) => instance), ...pins])].slice(0, PINS_MAX);
}

/** True when the License Server with this thumbprint may be obeyed. */
export function isPinned(instance: string, pins: readonly string[], directory: DataDirectory): boolean {
  return pins.includes(instance) || findLocalInstance(directory) === instance;
}

export interface EnrolmentMeans {
  readonly instance: string;
  readonly directory: DataDirectory;
  readonly tokens: readonly JoinToken[];
}

/** What shows to the License Server that this client belongs to it, if the role has anything to show. */
export function findEnrolment({ instance, directory, tokens }: EnrolmentMeans, exchange: EnrolmentExchange): Enrolment | undefined {
  const local = findLocalInstance(directory) === instance ? findSecret(directory.enrolSecret) : undefined;
  if (local !== undefined) return { kind: "local", mac: enrolmentMac(local, exchange) };
  const token = tokens.find((candidate) => candidate.instance === instance);
  return token === undefined ? undefined : { kind: "token", id: token.id, mac: enrolmentMac(token.secret, exchange) };
}
