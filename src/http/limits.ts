/** Bounds of every listener. A request beyond one is refused before work is done on it. */

/** Largest body of an ordinary call; doors that take files have their own. */
export const BODY_BYTES_MAX = 1_048_576;
/**
 * What the runtime cuts, in multiples of the largest body: it answers 413 without a word, so it stands behind our own
 * refusal and is met only by bodies that do not declare their length, or lie far beyond.
 */
export const BODY_CUT_FACTOR = 4;
/** A connection that says nothing for so long is closed. Streams switch it off for themselves and send heartbeats. */
export const IDLE_SECONDS = 30;
/** How long a stop waits for requests in flight before it cuts them. */
export const DRAIN_MS = 5_000;
/** Largest value of an Authorization header that is looked at. */
export const AUTHORIZATION_BYTES_MAX = 8_192;
/** Largest WebSocket frame; a larger one ends the connection. */
export const FRAME_BYTES_MAX = 65_536;
/** How much may wait for a WebSocket that does not read; beyond it the connection ends. */
export const SOCKET_QUEUE_BYTES_MAX = 1_048_576;
/** A WebSocket that is silent for so long is cut. */
export const SOCKET_SILENCE_SECONDS_MAX = 30;
