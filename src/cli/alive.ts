/**
 * What keeps a command alive that waits for nothing but a timer, and lets it sleep.
 *
 * Timers of the clock keep no process alive. A process that waits with nothing else open does not end and does not sleep either:
 * the runtime turns round and round, and takes a whole core for it.
 */

/** Until it is disposed of, the process sleeps while it waits. */
export function stayAlive(): Disposable {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {};
  return { [Symbol.dispose]: () => channel.port1.close() };
}
