import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { type ChangeSet, isDeferrable } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { hiddenOf } from "./elsewhere.ts"
import { overrules } from "./overrule.ts"
import { lostTrack } from "./prove.ts"
import type { Session } from "./session.ts"
import { likely, probeVersions } from "./probe-versions.ts"
import { strategyOf } from "./strategy.ts"
import { waitsForAnother } from "./work.ts"

/**
 * Would a rotation that is not finished come to its end now? Asked without ending or changing
 * anything, so for a dry run alone: its services, and its files.
 */

export type Why = { readonly code: string; readonly message: string; readonly hint?: string }
export type Prospect = {
  readonly set: ChangeSet
  /** By secret, what keeps it; none: it would end. */
  readonly keeps: Readonly<Record<string, Why>>
  /** By secret, what its service accepts now, as far as it was asked. */
  readonly accepts: Readonly<Record<string, readonly string[]>>
  /** What keeps all of it: a file, or a program that cannot be seen from here. */
  readonly whole?: Why & { readonly hidden?: true }
}

export function isKept({ keeps, whole }: Prospect): boolean {
  return whole !== undefined || Object.keys(keeps).length > 0
}

/** All that keeps it, in the order in which it is told. */
export function whysOf({
  keeps,
  whole,
}: Prospect): readonly (Why & { readonly secret?: string })[] {
  const { code, message } = whole ?? {}
  return [
    ...(code === undefined || message === undefined ? [] : [{ code, message }]),
    ...Object.entries(keeps).map(([secret, one]) => ({ secret, ...one })),
  ]
}

export async function prospectOf(session: Session, set: ChangeSet): Promise<Prospect> {
  const hidden = hiddenOf(session, set)
  if (hidden !== undefined)
    return { set, keeps: {}, accepts: {}, whole: { ...hidden, hidden: true } }
  const looks = await Promise.all(
    set.secrets.map(async (name) => [name, await probeSecret(session, name)] as const),
  )
  const keeps = Object.fromEntries(
    looks.flatMap(([name, { why }]) => (why === undefined ? [] : [[name, why] as const])),
  )
  const accepts = Object.fromEntries(
    looks.flatMap(([name, { accepted }]) =>
      accepted === undefined ? [] : [[name, accepted] as const],
    ),
  )
  // One that has touched nothing is put aside, and holds up no file; a containment leaves the file.
  const isHeldUp = !isDeferrable(set) && !strategyOf(set).leavesUnwritable
  const whole = isHeldUp ? await faultOfFiles(session, set) : undefined
  return { set, keeps, accepts, ...present({ whole }) }
}

type ProbedSecret = { readonly why?: Why; readonly accepted?: readonly string[] }

async function probeSecret(session: Session, name: string): Promise<ProbedSecret> {
  if (session.work.drivers[name] === undefined || driverOf(session, name).overlap === "none")
    return {}
  const answer = await probeVersions(session, name, { most: likely, looks: true })
  if (answer.kind === "unknown") return { why: { code: answer.code, message: answer.message } }
  if (answer.kind === "none") return {}
  const { accepted } = answer
  const [other] = accepted
  const state = session.state(name)
  const own = [versionAt(state, "pending")?.id, versionAt(state, "current")?.id]
  if (accepted.some((id) => own.includes(id))) return { accepted }
  const refused = { pending: "refused", current: "refused" } as const
  const { code, message } = lostTrack(other === undefined ? refused : { ...refused, other })
  return { why: { code, message } }
}

async function faultOfFiles(session: Session, set: ChangeSet): Promise<Why | undefined> {
  const { secrets, direction } = set
  const values = await session.values((name) => direction === "forward" && secrets.includes(name))
  const outputs = session
    .outputsOf(secrets)
    .filter(({ target }) => set.leaves?.[target] === undefined)
  try {
    const ready = await session.work.delivery.draft(outputs, values, session.issued, {
      trial: true,
    })
    for (const { draft } of ready) await draft.discard()
    return undefined
  } catch (error) {
    return describeError(error)
  }
}

/**
 * Of a rotation that stays open, what becomes of a secret that a containment has chosen: it goes on
 * with it ("goes"), or why it cannot.
 */
export function chosenIn(session: Session, prospect: Prospect, name: string): "goes" | Why {
  const { set, keeps, whole } = prospect
  if (whole?.hidden === true) return whole
  const own = keeps[name]
  const may =
    overrules(driverOf(session, name)) && versionAt(session.state(name), "current") !== undefined
  if (own !== undefined)
    return may && (own.code === "stuck" || own.code === "drifted") ? "goes" : own
  // On the way forward it comes to its end there, and is contained anew.
  if (may || (whole === undefined && set.direction === "forward")) return "goes"
  return (
    whole ?? {
      code: waitsForAnother,
      message: `it waits for ${Object.keys(keeps).join(", ")}, beside which a file shows it`,
    }
  )
}
