/**
 * What a role remembers between its starts, in `DATA/roles/ROLE/lease.json`: its last signed lease, whom it trusts,
 * and the marks that must never go back.
 *
 *     {"format":1,"mac":"…","state":{…}}
 *
 * The MAC is made with a key derived from the role's client key, over the bytes of `state`, and checked before they are
 * parsed: a file that was edited, torn or brought from another role or host is set aside, never believed. Whoever reads
 * the client key can make a MAC; that is root on the host, whom nothing here can hold back (`docs/threat-model.md`).
 *
 * Rule: knows the file and its form. What a lease is worth is decided in `grant.ts`.
 */
import { createHmac, hkdfSync } from "node:crypto";
import { renameSync } from "node:fs";
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { isSameSecret } from "../../crypto/sealing.ts";
import { findFile, writeFileDurably } from "../../data-directory.ts";
import type { Log } from "../../log.ts";
import { LeaseMarksSchema, noMarks } from "./marks.ts";

const FORMAT = 1;
/** A lease of the largest size with the largest marks stays well below. */
const FILE_BYTES_MAX = 262_144;
/** Pins from join tokens; each License Server on another host is one. */
export const PINS_MAX = 16;

const closed = { additionalProperties: false };
const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });

const LeaseStateSchema = Type.Object(
  {
    /** The last lease or signed refusal, and the key that signed it. */
    last: Type.Union([Type.Null(), Type.Object({ lease: Type.String({ maxLength: 65_536 }), instance_key: Bytes32 }, closed)]),
    /** Thumbprints of instance keys that join tokens named. The local one is read from its own file each time. */
    pins: Type.Array(Bytes32, { maxItems: PINS_MAX }),
    marks: LeaseMarksSchema,
    /** The highest guarded time, epoch milliseconds. */
    high_water_ms: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type LeaseState = Static<typeof LeaseStateSchema>;

const stateShape = shapeOf(LeaseStateSchema);
const FORM = /^\{"format":1,"mac":"([A-Za-z0-9_-]{43})","state":(\{.*\})\}\n$/s;

export const emptyState: LeaseState = { last: null, pins: [], marks: noMarks, high_water_ms: 0 };

/** Where a role's state lies and the key that its MAC is made with. */
export interface LeaseStateFile {
  readonly path: string;
  readonly macKey: Uint8Array;
}

/** The state file at `path` of the role whose client key has this seed. */
export function leaseStateFile(path: string, clientSeed: Uint8Array): LeaseStateFile {
  return { path, macKey: new Uint8Array(hkdfSync("sha256", clientSeed, "", "cyberun/1/lease-state", 32)) };
}

function macOf(body: string, macKey: Uint8Array): string {
  return createHmac("sha256", macKey).update(body).digest("base64url");
}

/** The text of the file. */
export function serializeState(state: LeaseState, macKey: Uint8Array): string {
  const body = JSON.stringify(state);
  return `{"format":${FORMAT},"mac":"${macOf(body, macKey)}","state":${body}}\n`;
}

/** The state that `text` holds, or the reason why it is not believed. */
export function parseState(text: string, macKey: Uint8Array): LeaseState | string {
  if (text.length > FILE_BYTES_MAX) return "it is too large";
  const [, mac, body] = FORM.exec(text) ?? [];
  if (mac === undefined || body === undefined) return "it is not a lease state of this format";
  if (!isSameSecret(mac, macOf(body, macKey))) return "it was altered or belongs to another client";
  const state: unknown = JSON.parse(body);
  return stateShape.Check(state) ? state : "its content is not a lease state";
}

/** The file's text, or a reason why it cannot be read; undefined when there is none. */
function readText(path: string): { readonly text: string } | string | undefined {
  try {
    const bytes = findFile(path);
    return bytes === undefined ? undefined : { text: bytes.toString("utf8") };
  } catch (error) {
    return error instanceof Error ? error.message : "it cannot be read";
  }
}

/** Moves a file out of the way; when even that fails, the next write says so. */
function setAside(path: string): string | undefined {
  try {
    renameSync(path, `${path}.damaged`);
    return `${path}.damaged`;
  } catch {
    return undefined;
  }
}

/** Reads the state; a file that cannot be believed is set aside as `.damaged`, and the role starts without a lease. */
export function readLeaseState({ path, macKey }: LeaseStateFile, log: Log): LeaseState {
  const read = readText(path);
  if (read === undefined) return emptyState;
  const state = typeof read === "string" ? read : parseState(read.text, macKey);
  if (typeof state !== "string") return state;
  log.write("error", "lease.state_damaged", { path, reason: state, kept_as: setAside(path) ?? null });
  return emptyState;
}

export function writeLeaseState({ path, macKey }: LeaseStateFile, state: LeaseState): void {
  writeFileDurably(path, serializeState(state, macKey));
}
