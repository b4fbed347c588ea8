/**
 * Which language a page speaks. The words themselves stand beside the pages, each once for each language.
 */
export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

/** Accept-Language beyond that is not looked at. */
const RANGES_MAX = 20;

function known(range: string): Language | undefined {
  return languages.find((language) => range.toLowerCase().split("-")[0] === language);
}

/** Ranges of an Accept-Language header, the most wanted first (RFC 9110 section 12.5.4). */
function rangesOf(header: string): readonly string[] {
  const ranges = header.split(",", RANGES_MAX).map((part) => {
    const [range = "", quality] = part.trim().split(/\s*;\s*q=/);
    return { range, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
  return ranges
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

/** The language to speak: what the client asks for, else what the browser asks for, else English. */
export function languageFor(uiLocales: string | undefined, acceptLanguage: string | null): Language {
  const wanted = [...(uiLocales ?? "").split(" "), ...rangesOf(acceptLanguage ?? "")];
  return wanted.map(known).find((language) => language !== undefined) ?? "en";
}
