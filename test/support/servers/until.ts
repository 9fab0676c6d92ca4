/**
 * Asks again and again until the answer is not undefined; throws with what `what` waits for after
 * `withinMs`.
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  withinMs = 50_000,
): Promise<Answer> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for: ${what}`)
    await Bun.sleep(10)
  }
}
