/** JSON from outside that may be none. For signed documents there is `crypto/strict-json.ts`, which is stricter. */

/** The value; undefined when `text` is not JSON, which no JSON text stands for. */
export function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
