/**
 * Counts the acts under way. What they keep open between them is closed when the last one leaves.
 */
export class ActivityScope {
  #present = 0
  readonly #ends = new Set<() => Promise<void> | void>()

  get runs(): boolean {
    return this.#present > 0
  }

  /**
   * The caller calls what this returns once, when its act is done. It resolves when what was kept
   * open has ended, if this act was the last.
   */
  join(): () => Promise<void> {
    this.#present++
    return async () => {
      this.#present--
      if (this.#present === 0) await Promise.all([...this.#ends].map((end) => end()))
    }
  }

  /** `end` is called each time the last act leaves; it never throws, and takes a moment at most. */
  atEnd(end: () => Promise<void> | void): void {
    this.#ends.add(end)
  }
}

/** Keeps one value for each key until the last act of a scope leaves. */
export class KeptInActivity<Value> {
  readonly #kept = new WeakMap<ActivityScope, Map<string, Value>>()

  /** The one that is kept, or a new one; where no act is under way, nothing is kept. */
  of(activity: ActivityScope | undefined, key: string, make: () => Value): Value {
    if (activity?.runs !== true) return make()
    const values = this.#kept.get(activity) ?? this.#begin(activity)
    const value = values.get(key) ?? make()
    values.set(key, value)
    return value
  }

  #begin(activity: ActivityScope): Map<string, Value> {
    const values = new Map<string, Value>()
    this.#kept.set(activity, values)
    activity.atEnd(() => values.clear())
    return values
  }
}
