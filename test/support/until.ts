/**
 * Resolves once `holds` does; asks often, and gives up after `withinMs` with a sentence. For what
 * other processes do: never sleep instead.
 */
export async function until(
  message: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${message}`)
    await Bun.sleep(10)
  }
}
