import { versionAt } from "../../core/version.ts"
import { driftsOver } from "../../rotate/drift.ts"
import { owedRevokeOthers, owedVersions } from "../../rotate/revoke/owed.ts"
import type { Session } from "../../rotate/session.ts"
import { type TakenFirst, takenKey } from "../../rotate/order.ts"

/** What `rotate-now` does to these secrets before it rotates: older values are taken away. */
export type First = {
  readonly secret: string
  /** Left out: all that a containment has still to take away. */
  readonly version?: string
  readonly why: "skip-grace" | "grace-over" | "uncertain" | "contained"
}

/**
 * As the command itself goes about it, in memory: a drift that is over is forgotten, then what is
 * owed is found. One login for each drift; nothing is taken away.
 */
export async function doneFirst(
  session: Session,
  secrets: readonly string[],
  { skipGrace }: { readonly skipGrace: boolean },
): Promise<readonly First[]> {
  session.noteSecrets((await driftsOver(session, secrets)).patches)
  const owed = owedVersions(session, { skipGrace, secrets })
  const now = new Set(
    owedVersions(session, { skipGrace: false, secrets }).map(({ name, version }) =>
      takenKey(name, version.id),
    ),
  )
  const versions = owed.map(
    ({ name, version }): First => ({
      secret: name,
      version: version.id,
      why: whyOf(version.stage.kind, now.has(takenKey(name, version.id))),
    }),
  )
  const expels = owedRevokeOthers(session, { skipGrace, secrets }).map(
    (secret): First => ({ secret, why: "contained" }),
  )
  return [...versions, ...expels]
}

function whyOf(stage: string, isDue: boolean): First["why"] {
  if (stage === "uncertain") return "uncertain"
  return isDue ? "grace-over" : "skip-grace"
}

export function asTaken(first: readonly First[]): TakenFirst {
  return {
    versions: new Set(
      first.flatMap(({ secret, version }) =>
        version === undefined ? [] : [takenKey(secret, version)],
      ),
    ),
    expels: new Set(first.filter(({ why }) => why === "contained").map(({ secret }) => secret)),
  }
}

/** Secrets that have no value, and that the command leaves alone unless they are named. */
export function untouchedIn(session: Session, names: readonly string[]): readonly string[] {
  return names.filter((name) => versionAt(session.state(name), "current") === undefined)
}
