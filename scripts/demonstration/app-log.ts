/** What the app's log says: how many logins, and how long none was possible while the password changed. */
export type Gap = {
  /** The number of the old password. */
  readonly from: number
  /**
   * From the first refused login with the old password to the first good one with the new;
   * undefined: none was refused.
   */
  readonly refusedMs: number | undefined
  /** From the last good login with the old one: the app's own restart included. */
  readonly mostMs: number
  readonly refused: number
}

type Line = { readonly at: number; readonly password: number; readonly what: string }

export function linesOf(log: string): readonly Line[] {
  return log.split("\n").flatMap((line) => {
    const [, at, password, what] = /^(\S+) password=(\d+) (.+)$/.exec(line) ?? []
    return at === undefined || what === undefined
      ? []
      : [{ at: Date.parse(at), password: Number(password), what }]
  })
}

/** The gap after each password that was followed by another. */
export function gapsIn(log: string): readonly Gap[] {
  const lines = linesOf(log)
  return lines.flatMap(({ password, what }) => {
    const counts = /^ended good=\d+ refused=(\d+) unclear=\d+ last_good=(\S+)$/.exec(what)
    const goodAgain = lines.find(
      (line) => line.password === password + 1 && line.what === "login good",
    )
    if (counts === null || goodAgain === undefined) return []
    const refusedAt = lines.find(
      (line) => line.password === password && line.what.startsWith("login refused"),
    )?.at
    return [
      {
        from: password,
        refused: Number(counts[1]),
        refusedMs: refusedAt === undefined ? undefined : goodAgain.at - refusedAt,
        mostMs: goodAgain.at - Date.parse(counts[2] ?? ""),
      },
    ]
  })
}

/** All logins of all passwords, of apps that have ended. */
export function totalsIn(log: string): {
  readonly good: number
  readonly refused: number
  readonly unclear: number
} {
  const totals = { good: 0, refused: 0, unclear: 0 }
  for (const { what } of linesOf(log)) {
    const [, good, refused, unclear] =
      /^ended good=(\d+) refused=(\d+) unclear=(\d+)/.exec(what) ?? []
    totals.good += Number(good ?? 0)
    totals.refused += Number(refused ?? 0)
    totals.unclear += Number(unclear ?? 0)
  }
  return totals
}
