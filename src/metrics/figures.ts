import type { App } from "../app/app.ts"
import { scheduleOf } from "../app/schedule-of.ts"
import { foreseenIn } from "../app/troubles-in.ts"
import type { StateDocument } from "../core/state.ts"
import { secretStatus, needsLookFrom } from "../plan/status.ts"
import type { TroubleKind } from "../plan/troubles.ts"

/**
 * What is kept of an environment for metrics: numbers, so that ten thousand states are not kept in
 * memory, and a request reads none of them. From the same functions as `status` and the notices.
 */
export type Figures = {
  readonly secrets: readonly SecretFigures[]
  /** Also those that time alone will bring. */
  readonly troubles: readonly { readonly kind: TroubleKind; readonly from: number }[]
  /** Since when, or from when on, each value that is to be revoked is owed (ms). */
  readonly revokes: readonly number[]
  readonly attempts: number
}
export type SecretFigures = {
  readonly name: string
  /** When its value was made (ms); undefined: not known, or there is none. */
  readonly rotatedAt: number | undefined
  readonly maxAgeMs: number | undefined
  readonly dueAt: number | undefined
}

export function figuresOf(
  app: Pick<App, "config" | "host">,
  environment: string,
  document: StateDocument | undefined,
): Figures {
  const options = app.config.environments[environment]
  if (options === undefined) return { secrets: [], troubles: [], revokes: [], attempts: 0 }
  const states = Object.values(document?.secrets ?? {})
  return {
    secrets: secretsIn(app, options, document),
    troubles: foreseenIn(app, environment, document).map(({ kind, from }) => ({
      kind,
      // A number that JSON has, too.
      from: Math.max(0, from),
    })),
    revokes: states.flatMap(({ versions }) =>
      versions.flatMap(({ stage }) => needsLookFrom(stage) ?? []),
    ),
    attempts: states.reduce((sum, { retry }) => sum + (retry?.failures ?? 0), 0),
  }
}

function secretsIn(
  { host }: Pick<App, "host">,
  options: App["config"]["environments"][string],
  document: StateDocument | undefined,
): readonly SecretFigures[] {
  const now = host.now()
  const schedule = scheduleOf(options)
  return Object.values(options.secrets).map(({ name, driver, rotateEveryMs }) => {
    const found = secretStatus({ name, driver, rotateEveryMs }, document, schedule, now)
    return {
      name,
      rotatedAt: found.ageMs === undefined ? undefined : now.getTime() - found.ageMs,
      maxAgeMs: rotateEveryMs ?? undefined,
      dueAt: found.dueAt?.getTime(),
    }
  })
}
