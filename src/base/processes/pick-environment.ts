/** The named variables that are set: what a program may know of our environment. */
export function pickEnvironment(
  names: readonly string[],
  lookup: (name: string) => string | undefined,
): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of names) {
    const value = lookup(name)
    if (value !== undefined) picked[name] = value
  }
  return picked
}
