/**
 * Groups of files that import one another in a circle (Tarjan's strongly connected components),
 * each sorted.
 */
export function ringsOf(
  graph: ReadonlyMap<string, readonly string[]>,
): readonly (readonly string[])[] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const rings: string[][] = []
  const enter = (name: string): number => {
    index.set(name, index.size)
    let least = index.size - 1
    const depth = stack.push(name) - 1
    for (const next of graph.get(name) ?? []) {
      if (!graph.has(next)) continue
      if (!index.has(next)) least = Math.min(least, enter(next))
      else if (stack.includes(next)) least = Math.min(least, index.get(next) ?? least)
    }
    low.set(name, least)
    if (least === index.get(name)) {
      const ring = stack.splice(depth)
      if (ring.length > 1) rings.push(ring.sort())
    }
    return least
  }
  for (const name of graph.keys()) if (!index.has(name)) enter(name)
  return rings
}
