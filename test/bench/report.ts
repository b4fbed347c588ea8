/**
 * The report of a bench: `bench.json` for machines, `bench.md` for people. Pure.
 *
 * Rule: shows what was measured and judges nothing beyond "held" or "not held". No path and no name of the machine gets in.
 */
import { type Bar, type Figure, isMissing, isTaken, type Outcome } from "./figure.ts";
import type { Machine, Versions } from "./machine.ts";
import type { Percentiles } from "./statistics.ts";
import { shown, spread, table } from "./table.ts";

export interface Report {
  /** ISO 8601, handed in. */
  readonly date: string;
  readonly tookSeconds: number;
  /** Share of the machine's processors that other programs took meanwhile, 0 to 1; undefined where it is not known. */
  readonly othersShare: number | undefined;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly figures: readonly Outcome[];
}

function barText({ demand, measured, held }: Bar): string {
  return `${demand}: ${shown(measured)}, ${held ? "held" : "NOT HELD"}`;
}

function figureRow({ title, unit, ours, raw, ratio, bars }: Figure): readonly string[] {
  return [title, unit, String(ours.n), spread(ours), spread(raw), spread(ratio), bars.length === 0 ? "none" : bars.map(barText).join("; ")];
}

function latencyRow(title: string, who: string, { n, p50, p95, p99, max }: Percentiles): readonly string[] {
  return [title, who, n.toLocaleString("en-US"), shown(p50), shown(p95), shown(p99), shown(max)];
}

function latencyRows({ title, latencyMs }: Figure): readonly (readonly string[])[] {
  if (latencyMs === undefined) return [];
  const raw = latencyMs.raw === undefined ? [] : [latencyRow("", "raw", latencyMs.raw)];
  return [latencyRow(title, "ours", latencyMs.ours), ...raw];
}

function latencyTable(taken: readonly Figure[]): readonly string[] {
  const rows = taken.flatMap(latencyRows);
  if (rows.length === 0) return [];
  const sentence = "Latency of the single call in milliseconds, each the median of the rounds' values; `n` counts the calls of all rounds.";
  return [sentence, "", table(["figure", "", "n", "p50", "p95", "p99", "max"], rows), ""];
}

/** Above it the absolute figures say more about the neighbours than about the product. */
const OTHERS_SHARE_MAX = 0.1;

function othersSentence(share: number): string {
  const told = `Other programs took ${Math.round(share * 100)} % of the processors during the run.`;
  return share <= OTHERS_SHARE_MAX ? told : `${told} That is much: trust the ratios, not the absolutes, and run it again on a quiet machine.`;
}

function about(outcome: Outcome): string {
  if (isMissing(outcome)) return `**${outcome.title}** was not taken: ${outcome.missing}`;
  const sentences = [...(outcome.rawLoop === undefined ? [] : [`Raw loop: ${outcome.rawLoop}`]), ...outcome.notes];
  return [`**${outcome.title}**`, "", ...sentences.map((sentence) => `- ${sentence}`)].join("\n");
}

/** The lines that tell where it was measured, with what and when; the drills' report has them too. */
export function machineTable(date: string, machine: Machine, versions: Versions): string {
  const { cpu, cores, memoryMegabytes, kernel, fileSystem, flushMs } = machine;
  return table(
    ["what", "value"],
    [
      ["date", date],
      ["processor", `${cpu}, ${cores} cores`],
      ["memory", `${memoryMegabytes.toLocaleString("en-US")} MiB`],
      ["kernel", kernel],
      ["disk", `${fileSystem}; one 4 KiB write and flush takes ${spread(flushMs)} ms`],
      ["product", versions.product],
      ["runtime", `Bun ${versions.bun}`],
      ["SQLite", versions.sqlite],
      ["cryptography", versions.crypto],
      ["openssl command", versions.openssl ?? "none"],
    ],
  );
}

/** How many bars were held, what was not taken, and how busy the machine was. */
function verdict({ tookSeconds, othersShare, figures }: Report): readonly string[] {
  const taken = figures.filter(isTaken);
  const bars = taken.flatMap((figure) => figure.bars);
  const missed = bars.filter(({ held }) => !held).length;
  const missing = figures.length - taken.length;
  return [
    `${bars.length} bars: ${bars.length - missed} held, ${missed} not held. ${missing === 0 ? "Every figure was taken." : `${missing} figures were not taken.`} The run took ${Math.round(tookSeconds)} s.`,
    ...(othersShare === undefined ? [] : [othersSentence(othersShare)]),
    "Median, and in brackets the smallest and the largest round. Ratio: ours / raw, formed round by round.",
  ];
}

/** The part of the report that `docs/performance.md` shows. */
export function figuresMarkdown(report: Report): string {
  const { date, machine, versions, figures } = report;
  const taken = figures.filter(isTaken);
  return [
    ...verdict(report),
    "",
    machineTable(date, machine, versions),
    "",
    table(["figure", "unit", "n", "ours", "raw", "ratio", "bars"], taken.map(figureRow)),
    "",
    ...latencyTable(taken),
  ].join("\n");
}

/** The whole report as Markdown. */
export function markdown(report: Report): string {
  return ["# Figures", "", figuresMarkdown(report), "## What stands behind each", "", ...report.figures.flatMap((outcome) => [about(outcome), ""])].join("\n");
}

const BEGIN = "<!-- figures: npm run bench -- --publish -->";
const END = "<!-- end of figures -->";

/** `page` with the report's figures in their place. Throws when the page has no place for them, or a figure was left out. */
export function published(page: string, report: Report): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("the page has no place for the figures");
  if (!report.figures.every(isTaken)) throw new Error("a figure that was not taken is missing: it is not published");
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figuresMarkdown(report).trimEnd()}\n\n${page.slice(end)}`;
}
