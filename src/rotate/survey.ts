import { AppError } from "../base/error.ts"
import type { SecretState, Version } from "../core/state.ts"
import { driverOf, probe, probeControl, said, settle, unsettled } from "./ask.ts"
import type { Session } from "./session.ts"

/** Which of all the versions that the state holds its service accepts now. */
export type Survey =
  /** Ids. `unasked`: how many older ones were left out. */
  | {
      readonly is: "known"
      readonly accepted: readonly string[]
      readonly refused: readonly string[]
      readonly unasked: number
    }
  | { readonly is: "unknown"; readonly code: string; readonly says: string }
  /** No service asks for it. */
  | { readonly is: "none" }

/** How many versions are asked for, unless a person wants all: each refused login counts at the service. */
export const likely = 5
/** Between two questions (ms). */
const pauseMs = 500

type How = { readonly most: number; readonly looks: boolean }

/** A wrong value first, then one login a version, the likely ones first; what is accepted is settled and asked once more, unless one only `looks`: settling ends and completes. Nothing is decided on an unclear answer. */
export async function survey(session: Session, name: string, how: How): Promise<Survey> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { is: "none" }
  try {
    return await ask(session, name, how)
  } catch (error) {
    return { is: "unknown", ...said(error) }
  }
}

async function ask(session: Session, name: string, { most, looks }: How): Promise<Survey> {
  const { host, stop } = session.work
  const candidates = byLikelihood(session.state(name))
  const [first] = candidates
  if (first === undefined) return { is: "known", accepted: [], refused: [], unasked: 0 }
  const control = await probeControl(session, name, await session.open(name, first.id))
  if (control === "accepted")
    return {
      is: "unknown",
      code: "accepts-anything",
      says: "the service accepts a random wrong value, so no login proves anything",
    }
  if (control === "unknown") return noAnswer
  const accepted: string[] = []
  const refused: string[] = []
  for (const { id } of candidates.slice(0, most)) {
    await host.pause(pauseMs, stop)
    if (stop.aborted)
      throw new AppError("stopped", "stopped between two questions", { remedy: "retry" })
    const answer = await probe(session, name, await session.open(name, id))
    if (answer === "unknown") return noAnswer
    if (answer === "refused") refused.push(id)
    else {
      accepted.push(id)
      // Where only one value lives, all others are dead.
      if (driverOf(session, name).overlap === "one") break
    }
  }
  const known: Survey = {
    is: "known",
    accepted,
    refused,
    unasked: Math.max(0, candidates.length - accepted.length - refused.length),
  }
  return accepted.length === 0 || looks ? known : settled(session, name, accepted, known)
}

/** What an earlier run may have left under way could still land, and what it left half done be completed; the answer must outlive that. */
async function settled(
  session: Session,
  name: string,
  accepted: readonly string[],
  known: Survey,
): Promise<Survey> {
  const live = await Promise.all(accepted.map((id) => session.open(name, id)))
  const [first] = live
  if (!(await settle(session, name, live)) || first === undefined)
    return { is: "unknown", ...unsettled(session, name) }
  return (await probe(session, name, first)) === "accepted" ? known : noAnswer
}

const noAnswer: Survey = {
  is: "unknown",
  code: "no-answer",
  says: "the service gives no clear answer",
}

const order = ["current", "pending", "previous", "doubtful", "kept"] as const

/** The likely ones first, of those alike the youngest; the same value is asked for once. */
export function byLikelihood({ versions }: SecretState): readonly Version[] {
  const sorted = order.flatMap((is) =>
    versions.filter((version) => version.stage.is === is).toReversed(),
  )
  const seen = new Set<string>()
  return sorted.filter((version) => {
    const value = valueOf(version)
    return !seen.has(value) && seen.add(value) !== undefined
  })
}

/** Equal for versions that hold the same value for the same user, whatever else differs. */
export function valueOf({ clear, fingerprints, id }: Version): string {
  const password = fingerprints["password"]
  return password === undefined ? id : `${clear["user"] ?? ""} ${password}`
}
