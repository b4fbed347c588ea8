/** QR codes, drawn here: nothing that is in one leaves the host. */
import { encode } from "uqr";
import { html, type Html } from "./html.ts";

/** Modules of white around it, which readers need (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/** One horizontal run for each stretch of dark modules. */
function pathOf(rows: readonly (readonly boolean[])[]): string {
  return rows
    .flatMap((row, y) => row.flatMap((isDark, x) => (isDark && row[x - 1] !== true ? [`M${x} ${y}h${runLength(row, x)}v1h-${runLength(row, x)}z`] : [])))
    .join("");
}

function runLength(row: readonly boolean[], from: number): number {
  const end = row.indexOf(false, from);
  return (end < 0 ? row.length : end) - from;
}

/** An SVG of `text`, black on white in every colour scheme. */
export function qrCode(text: string, label: string): Html {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_ZONE });
  return html`<svg id="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" width="240" height="240" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/><path fill="#000" d="${pathOf(data)}"/></svg>`;
}
