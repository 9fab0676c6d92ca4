/** A FIFO semaphore per key: at most a given number of acts of one key at once. */
export class KeyedSemaphore {
  readonly #atOnce: number
  readonly #keys = new Map<string, { running: number; readonly waiting: (() => void)[] }>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const here = this.#keys.get(key) ?? { running: 0, waiting: [] }
    this.#keys.set(key, here)
    if (here.running < this.#atOnce) here.running++
    // The turn is handed over: the number of acts that run stays the same.
    else await new Promise<void>((resolve) => here.waiting.push(resolve))
    try {
      return await act()
    } finally {
      const next = here.waiting.shift()
      if (next === undefined) here.running--
      else next()
      if (here.running === 0) this.#keys.delete(key)
    }
  }
}

/**
 * `act` for each of `items`, at most `atOnce` of them at a time; the results in the order of the
 * items.
 */
export async function mapConcurrently<Item, Result>(
  atOnce: number,
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const turns = new KeyedSemaphore(atOnce)
  return Promise.all(items.map((item) => turns.take("", () => act(item))))
}

/**
 * How many environments may have files open at one time: there may be ten thousand environments,
 * and the system has fewer descriptors.
 */
export const filesAtOnce = 32
