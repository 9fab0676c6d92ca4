import { type ErrorDescription, describeError } from "../../base/error.ts"
import type { Credential, Output, Values } from "../../core/ports.ts"
import { nextVersionId } from "../../core/version-changes.ts"
import { driverOf } from "../ask.ts"
import { draftBeside, keptBeside } from "../beside.ts"
import { sideBySide } from "../land.ts"
import { needOf } from "../need.ts"
import { incidentWait } from "../output-wait.ts"
import { draftOf } from "./probes.ts"
import type { Kept, Preflight } from "./result.ts"
import type { Session } from "../session.ts"
import type { Strategy } from "../strategy.ts"
import type { Outcome, Outcomes } from "../work.ts"

export type Written = Kept & Pick<Preflight, "shown" | "leaves">

/**
 * All that a rotation has to write must find its place on the disk of the state, before any value
 * exists.
 */
export async function withoutRoom(
  session: Session,
  found: Written,
  { leavesUnwritable }: Strategy,
): Promise<Written> {
  if (found.members.length === 0) return found
  try {
    await session.work.ledger.demandRoom?.(
      needOf(session, found.members, { shown: found.shown, leavesUnwritable }),
    )
    return found
  } catch (error) {
    return { ...found, members: [], left: { ...found.left, ...allLeft(found.members, error) } }
  }
}

export function allLeft(names: readonly string[], error: unknown): Outcomes {
  return Object.fromEntries(
    names.map((name) => [name, { kind: "left", ...describeError(error) } as const]),
  )
}

/**
 * Outputs are drafted and thrown away: one that cannot be written, or may hold the only copy of
 * something, keeps out the secrets that it shows, and no others. In an incident it keeps out none
 * whose service would go on taking the old value.
 */
export async function withoutUnwritable(
  session: Session,
  { members, left }: Kept,
  { leavesUnwritable }: Strategy,
): Promise<Written> {
  const beside = {
    values: await trialValues(session, members),
    keeps: keptBeside(session, members),
    trial: { trial: true },
    ...(leavesUnwritable ? { wait: incidentWait(session) } : {}),
  }
  const refused = new Map<Output, ErrorDescription>()
  const shown: number[] = []
  await sideBySide(session.outputsOf(members), async (output) => {
    try {
      for (const { draft } of await draftBeside(session, [output], beside)) {
        shown.push(draft.bytes.length)
        await draft.discard()
      }
    } catch (error) {
      refused.set(output, describeError(error))
    }
  })
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const own = session.outputsOf([name])
    const bad = own.flatMap((output) => refused.get(output) ?? [])
    // Where no service asks, a value that no program can be given is worth nothing.
    const goes =
      leavesUnwritable && (driverOf(session, name).overlap !== "none" || bad.length < own.length)
    if (bad[0] !== undefined && !goes) out[name] = { kind: "left", ...bad[0] }
  }
  const going = members.filter((name) => out[name] === undefined)
  const leaves = session.outputsOf(going).flatMap((output) => {
    const why = refused.get(output)
    return why === undefined ? [] : [[output.target, why] as const]
  })
  return { members: going, left: out, shown, leaves: Object.fromEntries(leaves) }
}

/** What outputs would show if these secrets were rotated: values that are never handed out. */
export async function trialValues(session: Session, names: readonly string[]): Promise<Values> {
  const values: Record<string, Credential> = { ...(await session.values(() => false)) }
  for (const name of names) {
    const versions = await session.versions(name)
    const beside =
      driverOf(session, name).overlap === "both" && versions.current !== undefined
        ? { previous: versions.current.fields }
        : {}
    values[name] = {
      version: nextVersionId(session.state(name)),
      fields: draftOf(session, name, versions),
      ...beside,
    }
  }
  return values
}
