/**
 * Where a value stands in a tree, as one name: `db.password`; a key that is no plain word in
 * quotes: `"a.b".c`.
 */
export function nameOf(path: readonly string[]): string {
  return path.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join(".")
}

/** The inverse of `nameOf`. */
export function pathOf(name: string): readonly string[] {
  return [...name.matchAll(/"(?:[^"\\]|\\.)*"|[\w-]+/g)].map(([word]) =>
    word.startsWith('"') ? String(JSON.parse(word)) : word,
  )
}

export type Branch = Map<string, string | Branch>

/** By name → by key, level for level. */
export function grow(values: ReadonlyMap<string, string>): Branch {
  const root: Branch = new Map()
  for (const [name, value] of values) {
    const path = pathOf(name)
    let at = root
    for (const key of path.slice(0, -1)) {
      const next = at.get(key)
      if (next instanceof Map) at = next
      else {
        const branch: Branch = new Map()
        at.set(key, branch)
        at = branch
      }
    }
    at.set(path.at(-1) ?? "", value)
  }
  return root
}

/**
 * A string as JSON and YAML (1.1 and 1.2) write it alike: also what one of them takes for a line
 * break is escaped.
 */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}
