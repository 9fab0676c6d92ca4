/** So many acts at once a place; the others wait, in the order in which they came. */
export class KeyedSemaphore {
  readonly #atOnce: number
  readonly #places = new Map<string, { running: number; readonly waiting: (() => void)[] }>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  async take<T>(place: string, act: () => Promise<T>): Promise<T> {
    const here = this.#places.get(place) ?? { running: 0, waiting: [] }
    this.#places.set(place, here)
    if (here.running < this.#atOnce) here.running++
    // Who goes hands his turn over: the number that runs stays the same.
    else await new Promise<void>((resolve) => here.waiting.push(resolve))
    try {
      return await act()
    } finally {
      const next = here.waiting.shift()
      if (next === undefined) here.running--
      else next()
      if (here.running === 0) this.#places.delete(place)
    }
  }
}

/** `act` for each of `items`, so many at once; the results in their order. */
export async function mapConcurrently<Item, Result>(
  atOnce: number,
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const turns = new KeyedSemaphore(atOnce)
  return Promise.all(items.map((item) => turns.take("", () => act(item))))
}

/**
 * Environments of which files are open at one time: there may be ten thousand, and the system lends
 * fewer descriptors.
 */
export const filesAtOnce = 32
