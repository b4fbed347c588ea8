/** How the gateway ends a connection: codes of ours, in the private range of RFC 6455 section 7.4.2. `docs/agent-protocol.md` lists them. */

export const closeCodes = {
  /** The gateway stops; come back. */
  stopping: 4001,
  /** The agent's frames are not of the protocol. */
  protocol: 4400,
  /** The key is no longer good. */
  credential: 4401,
  /** Nothing was heard for too long, or no hello came. */
  silent: 4408,
  /** Another agent of the same name is connected. */
  duplicate: 4409,
  /** A newer connection of the same agent took this one's place. */
  replaced: 4410,
  /** The agent does not read what it is sent. */
  unread: 4413,
  /** A cap of the license is reached. */
  quota: 4429,
  /** The session cannot go on here; say hello anew. */
  failed: 4500,
  /** The license does not allow agents now. */
  license: 4503,
  /** Whether the key is good cannot be found out. */
  unheard: 4504,
} as const;
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];
