/**
 * Whether the audit is what was written: every chain whole from its first row, every row sealed by this deployment, and
 * every row there that an anchor has seen.
 *
 * It reads page by page, beside the server's work; rows that are appended meanwhile are read too.
 */
import { type AuditRow, chainAfter, sealOf } from "../gate/audit-chain.ts";
import { type Act, procedure } from "../gate/operation.ts";
import type { Tail } from "../store/store.ts";
import type { AnchorReading } from "./anchor.ts";
import { type Place, rowsAfter } from "./rows.ts";

/** Rows that are read at once. */
const ROWS_AT_ONCE = 1_000;

/** What is wrong at the first row that is. */
export interface Breach {
  readonly stream: string;
  readonly sequence: number;
  /** One sentence for people. */
  readonly problem: string;
}

export interface Verdict {
  readonly rows: number;
  readonly streams: number;
  /** Ends of streams that anchors of this data directory have seen. */
  readonly anchored_ends: number;
  readonly breach: Breach | null;
}

/** Where reading has got to. */
class Walk {
  rows = 0;
  streams = 0;
  at: Tail | undefined;
  readonly #claims: Map<string, Tail[]>;

  constructor(claims: readonly Tail[]) {
    this.#claims = Map.groupBy(claims, ({ stream }) => stream);
  }

  /** The first thing wrong with `row`, which was read behind the rows before. */
  findBreach(row: AuditRow, { sealer }: Pick<Act, "sealer">): string | undefined {
    const isNext = this.at?.stream === row.stream;
    const before = isNext && this.at !== undefined ? this.at : { sequence: 0, chain: "" };
    if (row.sequence !== before.sequence + 1) return `The row before it is missing: it should be ${before.sequence + 1}.`;
    if (chainAfter(before.chain, row) !== row.chain) return "The row or its place was changed: its chain does not fit.";
    if (sealOf(sealer, row.chain) !== row.seal) return "The row was not written by this deployment: its seal does not fit.";
    const isClaimed = this.#claims.get(row.stream)?.some(({ sequence, chain }) => sequence === row.sequence && chain !== row.chain) ?? false;
    return isClaimed ? "Another row stood here when the anchor was written." : undefined;
  }

  goOn({ stream, sequence, chain }: AuditRow): void {
    if (this.at?.stream !== stream) this.streams += 1;
    this.rows += 1;
    this.at = { stream, sequence, chain };
  }

  /** What an anchor has seen of the stream that has just ended, beyond its end. */
  findCut(): Breach | undefined {
    if (this.at === undefined) return undefined;
    const { stream, sequence } = this.at;
    const beyond = (this.#claims.get(stream) ?? []).filter((claim) => claim.sequence > sequence);
    this.#claims.delete(stream);
    return beyond[0] === undefined ? undefined : cutBreach(stream, sequence, beyond);
  }

  /** Of streams that are gone altogether. */
  findLost(): Breach | undefined {
    const [lost] = this.#claims;
    return lost === undefined ? undefined : cutBreach(lost[0], 0, lost[1]);
  }
}

function cutBreach(stream: string, last: number, beyond: readonly Tail[]): Breach {
  const seen = Math.max(...beyond.map(({ sequence }) => sequence));
  return { stream, sequence: last + 1, problem: `The rows up to ${seen} are missing: the anchor has seen them.` };
}

function damagedBreach(name: string): Breach {
  return { stream: name, sequence: 0, problem: `The anchor ${name} is damaged, or was written under another master key.` };
}

async function walk(readPage: (after: Place | undefined) => Promise<readonly AuditRow[]>, steps: Walk, act: Pick<Act, "sealer">): Promise<Breach | undefined> {
  for (let page = await readPage(undefined); page.length > 0; page = await readPage(steps.at)) {
    for (const row of page) {
      const { stream, sequence } = row;
      // The end of a stream before a fault in the next one.
      const cut = steps.at !== undefined && steps.at.stream !== stream ? steps.findCut() : undefined;
      if (cut !== undefined) return cut;
      const problem = steps.findBreach(row, act);
      if (problem !== undefined) return { stream, sequence, problem };
      steps.goOn(row);
    }
  }
  return steps.findCut() ?? steps.findLost();
}

/** Reads the whole audit. A finding is an answer, not a refusal. */
export const verifyAudit = procedure("audit.verify", async (act, { anchors }: { readonly anchors: AnchorReading }): Promise<Verdict> => {
  const steps = new Walk(anchors.claims);
  const readPage = (after: Place | undefined) => act.read((reader) => rowsAfter(reader, { after, limit: ROWS_AT_ONCE }));
  const found = await walk(readPage, steps, act);
  const [damaged] = anchors.damaged;
  const unanchored = steps.rows > 0 && anchors.count === 0;
  const missing: Breach | undefined = unanchored ? { stream: "", sequence: 0, problem: "There is no anchor in the data directory: whether rows at the end are missing cannot be told." } : undefined;
  const breach = found ?? (damaged === undefined ? missing : damagedBreach(damaged)) ?? null;
  return { rows: steps.rows, streams: steps.streams, anchored_ends: anchors.claims.length, breach };
});
