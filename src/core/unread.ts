/** Outputs of a config that no deployment reads: what reads them is not restarted by a rotation. */

type Shown = { readonly target: string; readonly isEntry: boolean }

/** Programs read an entry of a manager when they like, so these are left out. */
export function unreadOutputs(
  outputs: readonly Shown[],
  deployments: readonly { readonly reads: readonly string[] }[],
): readonly string[] {
  const read = new Set(deployments.flatMap(({ reads }) => reads))
  return outputs.filter((one) => !one.isEntry && !read.has(one.target)).map(({ target }) => target)
}

export function sayUnread(targets: readonly string[]): string {
  return (
    `no deployment reads ${targets.join(", ")}: a program that reads it is not restarted, ` +
    "and keeps the old value"
  )
}
