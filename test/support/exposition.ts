/** A strict reader of Prometheus' text format 0.0.4: what it does not allow, or what is bad custom in it, is thrown. */

export interface Family {
  readonly type: string;
  /** Sample by its whole name with labels, in their order. */
  readonly samples: ReadonlyMap<string, number>;
}

const head = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y;

function labelsOf(text: string | undefined, line: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  if (text === undefined) return labels;
  let at = 1;
  for (;;) {
    labelPair.lastIndex = at;
    const [whole, name, value] = labelPair.exec(text) ?? [];
    if (whole === undefined || name === undefined || value === undefined) throw new Error(`labels cannot be read: ${line}`);
    if (labels.has(name)) throw new Error(`the label ${name} stands twice: ${line}`);
    labels.set(name, value);
    at += whole.length;
    if (text[at] === "}" && at === text.length - 1) return labels;
    if (text[at] !== ",") throw new Error(`labels cannot be read: ${line}`);
    at += 1;
  }
}

function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket`)).map(([, value]) => value);
  if (buckets.some((value, index) => value < (buckets[index - 1] ?? 0))) throw new Error(`the buckets of ${name} do not grow`);
  const count = [...samples].find(([key]) => key.startsWith(`${name}_count`))?.[1];
  if (![...samples.keys()].some((key) => key.includes('le="+Inf"')) || count !== buckets.at(-1)) throw new Error(`${name} does not end in +Inf with its count`);
}

/** The families of an exposition, by name. */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n") || text.includes("\n\n")) throw new Error("each line ends in one line end");
  const families = new Map<string, { type: string; samples: Map<string, number>; hasHelp: boolean }>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = head.exec(line) ?? [];
    if (kind === "HELP") {
      if (families.has(name)) throw new Error(`${name} stands twice`);
      families.set(name, { type: "", samples: new Map(), hasHelp: true });
      current = name;
    } else if (kind === "TYPE") {
      const family = families.get(name);
      if (family === undefined || name !== current || family.type !== "" || !/^(counter|gauge|histogram)$/.test(rest)) throw new Error(`this type stands at the wrong place: ${line}`);
      if ((rest === "counter") !== name.endsWith("_total")) throw new Error(`counters, and they alone, end in _total: ${line}`);
      family.type = rest;
    } else {
      const [, own = "", labels, number = ""] = sample.exec(line) ?? [];
      const family = families.get(current);
      const allowed = family?.type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => `${current}${suffix}`) : [current];
      if (family === undefined || family.type === "" || !allowed.includes(own)) throw new Error(`this sample belongs to no family above it: ${line}`);
      const key = `${own}{${[...labelsOf(labels, line)].map(([label, value]) => `${label}="${value}"`).join(",")}}`;
      if (family.samples.has(key)) throw new Error(`this sample stands twice: ${line}`);
      if (!Number.isFinite(Number(number))) throw new Error(`this is no number: ${line}`);
      family.samples.set(key, Number(number));
    }
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}
