import { type Trouble, keyOf } from "../plan/troubles.ts"
import type { Notices, OwedNotice } from "./ledger.ts"
import type { Told } from "./notice.ts"

/** What of the troubles of now a receiver does not know yet; pure. */

/** A receiver that has been dead for long gets the newest. */
const mostOwed = 100

/** What is wrong now, by environment ("" for the service itself). */
export type Standing = ReadonlyMap<string, readonly Trouble[]>

export type Telling = {
  readonly project: string
  readonly receivers: readonly string[]
  readonly now: Date
  readonly newId: () => string
  /** Whether a trouble that is gone has been away for long enough. */
  readonly isOver: (environment: string, trouble: Trouble) => boolean
}

/** With a notice owed for each receiver and environment of which something has changed. */
export function withChanges(notices: Notices, standing: Standing, telling: Telling): Notices {
  let changed = notices
  for (const receiver of telling.receivers)
    for (const [environment, troubles] of standing)
      changed = withChange(changed, { receiver, environment, troubles }, telling)
  return changed
}

type One = {
  readonly receiver: string
  readonly environment: string
  readonly troubles: readonly Trouble[]
}

function withChange(notices: Notices, one: One, telling: Telling): Notices {
  const { receiver, environment, troubles } = one
  const known = notices.told[receiver]?.[environment] ?? []
  const began = troubles
    .filter((trouble) => !isIn(known, trouble))
    .map((trouble): Told => ({ ...trouble, since: telling.now.toISOString() }))
  const ended = known.filter(
    (trouble) => !isIn(troubles, trouble) && telling.isOver(environment, trouble),
  )
  if (began.length + ended.length === 0) return notices
  const left = [...known.filter((trouble) => !isIn(ended, trouble)), ...began]
  const notice: OwedNotice["notice"] = {
    format: 1,
    id: telling.newId(),
    project: telling.project,
    ...(environment === "" ? {} : { environment }),
    at: telling.now.toISOString(),
    began,
    ended,
    standing: left.length,
  }
  return {
    ...notices,
    told: {
      ...notices.told,
      [receiver]: toldWith(notices.told[receiver] ?? {}, environment, left),
    },
    owed: bounded([...notices.owed, { receiver, notice, tries: 0 }], receiver),
  }
}

function isIn(troubles: readonly Trouble[], trouble: Trouble): boolean {
  return troubles.some((one) => keyOf(one) === keyOf(trouble))
}

function toldWith(
  told: Notices["told"][string],
  environment: string,
  left: readonly Told[],
): Notices["told"][string] {
  const { [environment]: _, ...others } = told
  return left.length === 0 ? others : { ...others, [environment]: left }
}

function bounded(owed: readonly OwedNotice[], receiver: string): readonly OwedNotice[] {
  const own = owed.filter((one) => one.receiver === receiver)
  if (own.length <= mostOwed) return owed
  const [oldest] = own
  return owed.filter((one) => one !== oldest)
}

/** Without what is told to receivers that the config has no more. */
export function onlyFor(notices: Notices, receivers: readonly string[]): Notices {
  return {
    format: 1,
    told: Object.fromEntries(
      Object.entries(notices.told).filter(([receiver]) => receivers.includes(receiver)),
    ),
    owed: notices.owed.filter(({ receiver }) => receivers.includes(receiver)),
  }
}

/** Troubles that some receiver knows of, and that are gone. */
export function goneIn(
  notices: Notices,
  standing: Standing,
): readonly (readonly [string, Trouble])[] {
  return Object.values(notices.told).flatMap((told) =>
    Object.entries(told).flatMap(([environment, known]) => {
      const now = standing.get(environment)
      if (now === undefined) return []
      return known
        .filter((trouble) => !isIn(now, trouble))
        .map((trouble) => [environment, trouble] as const)
    }),
  )
}
