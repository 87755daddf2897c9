/**
 * Visits each, and waits for what `visit` returns, if anything. Like `for await`,
 * which would wait for every one, also where all of them are there already: that takes
 * a fifth of a microsecond.
 */
export async function forEach<T>(
  items: Iterable<T> | AsyncIterable<T>,
  visit: (item: T) => Promise<void> | undefined,
): Promise<void> {
  if (!(Symbol.iterator in items)) {
    for await (const item of items) await visit(item);
    return;
  }
  for (const item of items) {
    const pause = visit(item);
    // oxlint-disable-next-line no-await-in-loop -- others take their turn here
    if (pause !== undefined) await pause;
  }
}
