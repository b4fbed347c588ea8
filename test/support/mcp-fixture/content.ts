/** Contents that the conformance suite asks a server for: the smallest picture and sound there are. */
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";

/** One red pixel as PNG. */
export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** A WAV file of no samples. */
const SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

export const text = (words: string): ContentBlock & { readonly type: "text" } => ({ type: "text", text: words });
export const picture = { type: "image", data: PIXEL, mimeType: "image/png" } as const;
export const sound = { type: "audio", data: SILENCE, mimeType: "audio/wav" } as const;
export const embedded = (uri: string, words: string, mimeType = "text/plain"): ContentBlock & { readonly type: "resource" } => ({ type: "resource", resource: { uri, mimeType, text: words } });
export const says = (...content: CallToolResult["content"]): CallToolResult => ({ content });
