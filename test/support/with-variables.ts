/** Sets variables of this process, which a vendor's own code reads, until it is disposed of. */
export function withVariables(all: Readonly<Record<string, string | undefined>>): Disposable {
  const before = Object.fromEntries(Object.keys(all).map((name) => [name, process.env[name]]))
  set(all)
  return { [Symbol.dispose]: () => set(before) }
}

function set(all: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(all))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
}
