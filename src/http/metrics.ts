/** Prometheus text format 0.0.4: the little of it that we need. */

export interface Metric {
  readonly name: string;
  readonly help: string;
  /** A counter's name ends in `_total`. */
  readonly type: "gauge" | "counter" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** What a histogram's sample has behind the name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function labelText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** The exposition of `metrics`, one block each. */
export function metricsText(metrics: readonly Metric[]): string {
  const blocks = metrics.map(({ name, help, type, samples }) =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(({ labels, value, suffix = "" }) => `${name}${suffix}${labelText(labels)} ${value}`)].join("\n"),
  );
  return `${blocks.join("\n")}\n`;
}
