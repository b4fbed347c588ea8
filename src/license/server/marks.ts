/**
 * The License Server's marks: what must never go back, whatever is restored, re-installed or set back.
 *
 * They are kept in the store and, as a second copy, in `DATA/license/marks.json`; clients remember the most important
 * ones as well. At each start the copies are joined, and each mark takes its stricter value: a store that was restored
 * from yesterday's backup, or deleted, does not bring yesterday's license back.
 *
 * Rule: pure but for reading and writing the second copy. It must not know what a mark is compared with.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { findFile, writeFileDurably } from "../../data-directory.ts";
import type { Log } from "../../log.ts";
import { findJson } from "../../json.ts";
import { LicenseError, type TrustedKey } from "../document.ts";
import { isLater, openRevocation, REVOCATION_BYTES_MAX, type Revocation } from "../revocation.ts";

/** Deployments and trials remembered; a site meets a handful. Beyond it the newest are not learned from clients. */
export const MARKS_MAX = 256;
/** Deployments whose revocation is remembered: whole signed texts, so fewer, and nobody but the vendor can add to them. */
export const REVOCATIONS_MAX = 16;
const FILE_BYTES_MAX = 262_144;

const closed = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0 });
const Id = Type.String({ minLength: 1, maxLength: 128 });
const listOf = <T extends Type.TSchema>(item: T) => Type.Array(item, { maxItems: MARKS_MAX });

const BoundSchema = Type.Object({ deployment_id: Id, parts: Type.Array(Type.String({ maxLength: 80 }), { maxItems: 256 }) }, closed);

const MarksSchema = Type.Object(
  {
    format: Type.Literal(1),
    epoch: Count,
    /** Highest guarded time, epoch milliseconds. */
    high_water: Count,
    /** The license that last set `high_water` anew; marks of a later reset outweigh higher times of an earlier one. */
    reset: Type.Union([Type.Null(), Type.Object({ issued_at: Count, license_id: Id }, closed)]),
    sequences: listOf(Type.Object({ deployment_id: Id, sequence: Count }, closed)),
    activations: listOf(Type.Object({ license_id: Id, activated_at: Count }, closed)),
    /** What a `first_use` license was bound to. */
    bound: Type.Union([Type.Null(), BoundSchema]),
    /** The vendor's signed texts, verified anew when they are read: nobody revokes by writing into this file. */
    revocations: Type.Optional(
      Type.Array(Type.Object({ text: Type.String({ maxLength: REVOCATION_BYTES_MAX }), seen_at: Count }, closed), { maxItems: REVOCATIONS_MAX }),
    ),
  },
  closed,
);

type Stored = Static<typeof MarksSchema>;
export type BoundParts = Static<typeof BoundSchema>;
/** Which license last set the time mark anew. */
export type Reset = Exclude<Stored["reset"], null>;

/** A revocation that was accepted. */
export interface RevocationMark {
  /** The signed text without a line end. */
  readonly text: string;
  readonly revocation: Revocation;
  /** Guarded time, epoch milliseconds. */
  readonly seenAtMs: number;
}

export interface Marks {
  readonly epoch: number;
  readonly highWaterMs: number;
  readonly reset: Reset | undefined;
  /** Deployment id → highest sequence. */
  readonly sequences: ReadonlyMap<string, number>;
  /** License id → first use, epoch milliseconds. */
  readonly activations: ReadonlyMap<string, number>;
  readonly bound: BoundParts | undefined;
  /** Deployment id → its latest revocation. */
  readonly revocations: ReadonlyMap<string, RevocationMark>;
}

export const noMarks: Marks = {
  epoch: 0,
  highWaterMs: 0,
  reset: undefined,
  sequences: new Map(),
  activations: new Map(),
  bound: undefined,
  revocations: new Map(),
};

function joinMaps<V>(one: ReadonlyMap<string, V>, other: ReadonlyMap<string, V>, choose: (a: V, b: V) => V): ReadonlyMap<string, V> {
  const joined = new Map(one);
  for (const [key, value] of other) joined.set(key, choose(joined.get(key) ?? value, value));
  return joined;
}

/** The time mark of the later reset counts alone, so that a mark the vendor lifted cannot come back from the other copy. */
function joinTime(one: Marks, other: Marks): Pick<Marks, "highWaterMs" | "reset"> {
  const difference = (one.reset?.issued_at ?? -1) - (other.reset?.issued_at ?? -1);
  if (difference === 0) return { highWaterMs: Math.max(one.highWaterMs, other.highWaterMs), reset: one.reset };
  const { highWaterMs, reset } = difference > 0 ? one : other;
  return { highWaterMs, reset };
}

function laterRevocation(one: RevocationMark, other: RevocationMark): RevocationMark {
  return isLater(other.revocation, one.revocation) ? other : one;
}

/** Each mark's stricter value. Where both remember a host, that of `one` counts: hand in the store's marks first. */
export function joinMarks(one: Marks, other: Marks): Marks {
  return {
    ...joinTime(one, other),
    epoch: Math.max(one.epoch, other.epoch),
    sequences: joinMaps(one.sequences, other.sequences, Math.max),
    activations: joinMaps(one.activations, other.activations, Math.min),
    bound: one.bound ?? other.bound,
    revocations: joinMaps(one.revocations, other.revocations, laterRevocation),
  };
}

const marksShape = shapeOf(MarksSchema);
const boundShape = shapeOf(BoundSchema);

/** `bound_parts` of the store, or undefined when it holds nothing of that form. */
export function parseBound(text: string | null): BoundParts | undefined {
  const value: unknown = text === null ? null : JSON.parse(text);
  return boundShape.Check(value) ? value : undefined;
}

/** The mark that a kept text stands for; none when the text is not a revocation by a key that is trusted here. */
export function revocationMarks(text: string, seenAtMs: number, trustedKeys: readonly TrustedKey[]): readonly (readonly [string, RevocationMark])[] {
  try {
    const { revocation } = openRevocation(Buffer.from(text, "latin1"), trustedKeys);
    return [[revocation.deployment_id, { text, revocation, seenAtMs }]];
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    return [];
  }
}

/** The marks that `text` holds; undefined when it is not a marks file. */
export function parseMarks(text: string, trustedKeys: readonly TrustedKey[]): Marks | undefined {
  const value = text.length > FILE_BYTES_MAX ? undefined : findJson(text);
  if (!marksShape.Check(value)) return undefined;
  return {
    epoch: value.epoch,
    highWaterMs: value.high_water,
    reset: value.reset ?? undefined,
    sequences: new Map(value.sequences.map(({ deployment_id, sequence }) => [deployment_id, sequence])),
    activations: new Map(value.activations.map(({ license_id, activated_at }) => [license_id, activated_at])),
    bound: value.bound ?? undefined,
    revocations: new Map((value.revocations ?? []).flatMap((kept) => revocationMarks(kept.text, kept.seen_at, trustedKeys))),
  };
}

export function serializeMarks(marks: Marks): string {
  const stored: Stored = {
    format: 1,
    epoch: marks.epoch,
    high_water: Math.ceil(marks.highWaterMs),
    reset: marks.reset ?? null,
    sequences: [...marks.sequences].slice(-MARKS_MAX).map(([deployment_id, sequence]) => ({ deployment_id, sequence })),
    activations: [...marks.activations].slice(-MARKS_MAX).map(([license_id, activated_at]) => ({ license_id, activated_at })),
    bound: marks.bound ?? null,
    revocations: [...marks.revocations.values()].slice(-REVOCATIONS_MAX).map(({ text, seenAtMs }) => ({ text, seen_at: Math.ceil(seenAtMs) })),
  };
  return `${JSON.stringify(stored)}\n`;
}

/** The second copy. A damaged one counts as absent: the other copies still stand, and refusing to start would mend nothing. */
export function readMarksFile(path: string, log: Log, trustedKeys: readonly TrustedKey[]): Marks {
  const found = findFile(path);
  if (found === undefined) return noMarks;
  const marks = parseMarks(found.toString("utf8"), trustedKeys);
  if (marks === undefined) log.write("warn", "license.marks_damaged", { path });
  return marks ?? noMarks;
}

export function writeMarksFile(path: string, marks: Marks): void {
  writeFileDurably(path, serializeMarks(marks));
}
