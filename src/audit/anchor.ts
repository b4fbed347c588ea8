/**
 * The anchor: where the audit's chains ended last, kept in the data directory and not in the database, so that a tail
 * which was cut off is missed.
 *
 *     DATA/audit/main.anchor    SQLite: one for all time
 *     DATA/audit/UUID.anchor    PostgreSQL: one for each run of a process, since each has streams of its own
 *
 * It is written after each commit and before the command is acknowledged, sealed under the master key. When a start finds
 * that the database ends before the anchor, what is missing is kept in the anchor for good, and the chain goes on from
 * where it ends: a server must serve, and `cyberun audit verify` goes on telling.
 *
 * Rule: it claims, and judges nothing; that is `verify.ts`'s.
 */
import { join } from "node:path";
import { Type } from "typebox";
import { shapeOf } from "../shape.ts";
import type { Sealer } from "../crypto/sealing.ts";
import { type DataDirectory, listFiles, openSlotFile, readSlots, type SlotFile } from "../data-directory.ts";
import { ONLY_STREAM } from "../gate/audit.ts";
import type { Services } from "../services.ts";
import type { Store, Tail } from "../store/store.ts";
import { findRow } from "./rows.ts";

const SUFFIX = ".anchor";
/** Missing tails that one anchor keeps; the first ones tell enough. */
const MISSING_MAX = 20;

const Claim = Type.Object({ stream: Type.String(), sequence: Type.Integer(), chain: Type.String() });
const content = shapeOf(Type.Object({ writes: Type.Integer(), ends: Type.Array(Claim), missing: Type.Array(Claim) }));

/** What the anchors of a data directory say. */
export interface AnchorReading {
  /** How many anchors there are. */
  readonly count: number;
  /** Rows that were there: each with its chain. */
  readonly claims: readonly Tail[];
  /** Files that cannot be read or were not written under this master key. */
  readonly damaged: readonly string[];
}

interface Content {
  readonly writes: number;
  readonly ends: readonly Tail[];
  readonly missing: readonly Tail[];
}

/** The newer whole slot of an anchor; undefined when neither is whole. */
function findContent(sealer: Sealer, folder: string, name: string): Content | undefined {
  const found = readSlots(join(folder, name)).flatMap((slot) => {
    try {
      const parsed: unknown = JSON.parse(sealer.open("audit-anchor", name, slot).toString("utf8"));
      return content.Check(parsed) ? [parsed] : [];
    } catch {
      return [];
    }
  });
  return found.toSorted((one, other) => other.writes - one.writes)[0];
}

/** What they have seen; with `endsOnly` not what an earlier start has found missing already, such as after a restore. */
export function readAnchors(directory: DataDirectory, sealer: Sealer, { endsOnly = false } = {}): AnchorReading {
  const folder = directory.auditAnchors;
  const files = listFiles(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => ({ name, content: findContent(sealer, folder, name) }));
  return {
    count: files.length,
    claims: files.flatMap((file) => [...(file.content?.ends ?? []), ...(endsOnly ? [] : (file.content?.missing ?? []))]),
    damaged: files.filter((file) => file.content === undefined).map(({ name }) => name),
  };
}

/** The anchor of one process, from before its store is opened until after that is closed. */
export class Anchor {
  readonly #sealer: Sealer;
  readonly #folder: string;
  readonly #name: string;
  readonly #ends = new Map<string, Tail>();
  #missing: readonly Tail[] = [];
  #writes = 0;
  #file: SlotFile | undefined;

  /** `isOnly`: the store keeps one stream for all time. */
  constructor(directory: DataDirectory, { sealer, services, isOnly }: { readonly sealer: Sealer; readonly services: Services; readonly isOnly: boolean }) {
    this.#sealer = sealer;
    this.#folder = directory.auditAnchors;
    this.#name = `${isOnly ? ONLY_STREAM : services.random.uuid()}${SUFFIX}`;
    const before = findContent(sealer, this.#folder, this.#name);
    for (const end of before?.ends ?? []) this.#ends.set(end.stream, end);
    this.#missing = before?.missing ?? [];
    this.#writes = before?.writes ?? 0;
  }

  /**
   * Compares what the last run left with the store, before this run writes. Gives back what is missing there, or stands
   * there otherwise.
   */
  async settle(store: Store): Promise<readonly Tail[]> {
    const lost: Tail[] = [];
    for (const end of this.#ends.values()) if (!(await holds(store, end))) lost.push(end);
    // One that is there is written anew, so that a start is refused where it cannot be.
    if (lost.length === 0 && this.#writes === 0) return [];
    for (const { stream } of lost) this.#ends.delete(stream);
    this.#missing = [...this.#missing, ...lost].slice(0, MISSING_MAX);
    this.#write();
    return lost;
  }

  /** The end of a stream has moved. */
  note(tail: Tail): void {
    this.#ends.set(tail.stream, tail);
    this.#write();
  }

  close(): void {
    this.#file?.close();
  }

  #write(): void {
    this.#writes += 1;
    const text = JSON.stringify({ writes: this.#writes, ends: [...this.#ends.values()], missing: this.#missing });
    this.#file ??= openSlotFile(join(this.#folder, this.#name));
    this.#file.write(this.#sealer.seal("audit-anchor", this.#name, text));
  }
}

async function holds(store: Store, { stream, sequence, chain }: Tail): Promise<boolean> {
  return (await store.read((reader) => findRow(reader, stream, sequence)))?.chain === chain;
}
