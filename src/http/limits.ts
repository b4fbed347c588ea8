/** Bounds of every listener. A request beyond one is refused before work is done on it. */

/** Largest body of an ordinary call; doors that take files have their own. */
export const BODY_BYTES_MAX = 1_048_576;
/** A connection that says nothing for so long is closed. Streams switch it off for themselves and send heartbeats. */
export const IDLE_SECONDS = 30;
/** How long a stop waits for requests in flight before it cuts them. */
export const DRAIN_MS = 5_000;
/** Largest value of an Authorization header that is looked at. */
export const AUTHORIZATION_BYTES_MAX = 8_192;
