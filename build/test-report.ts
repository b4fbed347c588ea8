/**
 * Reads what `bun test` reported, and adds up several runs to the one line at the end.
 * Pure: text in, numbers out.
 */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothingCounted: Counts = { passed: 0, failed: 0, skipped: 0 };
export const oneFailure: Counts = { passed: 0, failed: 1, skipped: 0 };

export function add(left: Counts, right: Counts): Counts {
  return { passed: left.passed + right.passed, failed: left.failed + right.failed, skipped: left.skipped + right.skipped };
}

export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function attribute(tag: string, name: string): string {
  return new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
}

function unescapeXml(text: string): string {
  const plain: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#10;": " ", "&amp;": "&" };
  return text.replace(/&(?:lt|gt|quot|apos|amp|#10);/g, (entity) => plain[entity] ?? entity);
}

export interface TestRun {
  readonly exitCode: number;
  /** The JUnit report; undefined when the run ended before it wrote one. */
  readonly report: string | undefined;
  /** The test files the run was to cover, as the report names them. */
  readonly files: readonly string[];
}

/**
 * The numbers of one run. The report leaves out a file that could not be loaded, and there is none of a run that was
 * killed; so, in a run that failed, a file without a trace is a failure, and no failing run counts fewer than one.
 */
export function countRun({ exitCode, report, files }: TestRun): Counts {
  const head = /<testsuites [^>]*>/.exec(report ?? "")?.[0] ?? "";
  const [tests, failures, skipped] = ["tests", "failures", "skipped"].map((name) => Number(attribute(head, name)));
  const counted: Counts = { passed: (tests ?? 0) - (failures ?? 0) - (skipped ?? 0), failed: failures ?? 0, skipped: skipped ?? 0 };
  if (exitCode === 0) return counted;
  const lost = files.filter((file) => !(report ?? "").includes(` file="${file}"`)).length;
  return { ...counted, failed: Math.max(counted.failed + lost, 1) };
}

/** File and name of each failed test of a report. */
export function failedNames(report: string): readonly string[] {
  const cases = report.matchAll(/<testcase ([^>]*[^/])>\s*<(?:failure|error)/g);
  return [...cases].map(([, attributes = ""]) => unescapeXml(["file", "name"].map((name) => attribute(` ${attributes}`, name)).join(": ")));
}

/** The names of the skipped tests of a report; a name says why (`test/support/skip.ts`). */
export function skippedNames(report: string): readonly string[] {
  const cases = report.matchAll(/<testcase ([^>]*[^/])>\s*<skipped/g);
  return [...cases].map(([, attributes = ""]) => unescapeXml(attribute(` ${attributes}`, "name")));
}
