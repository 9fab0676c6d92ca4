import { AppError } from "../base/error.ts"
import type { Credential } from "../core/ports.ts"
import type { SecretState, Version } from "../core/state.ts"
import {
  driverOf,
  notSettled,
  probe,
  probeControl,
  said,
  settle,
  unclear,
  unsettled,
} from "./ask.ts"
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

/**
 * How many versions are asked for, unless a person wants all: each refused login counts at the
 * service.
 */
export const likely = 5
/** Between two questions (ms). */
const pauseMs = 500

type How = { readonly most: number; readonly looks: boolean }

/**
 * What an earlier run may have left under way is ended first, unless one only `looks`: ending and
 * completing it changes things.
 * Then a wrong value, then one login a version, the likely ones first. Nothing is decided on an
 * unclear answer.
 */
export async function survey(session: Session, name: string, how: How): Promise<Survey> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { is: "none" }
  try {
    const candidates = byLikelihood(session.state(name))
    if (candidates.length === 0) return { is: "known", accepted: [], refused: [], unasked: 0 }
    if (how.looks) return await ask(session, name, candidates, how.most)
    const isQuiet = await settle(
      session,
      name,
      await opened(session, name, candidates.slice(0, settleBy)),
    )
    // Nobody answers, or it runs where it cannot be seen: a question would tell nothing that lasts.
    const why = unsettled(session, name)
    if (!isQuiet && why.code !== notSettled.code) return { is: "unknown", ...why }
    const answer = await ask(session, name, candidates, how.most)
    return isQuiet || answer.is !== "known"
      ? answer
      : await settleLate(session, name, answer, () => ask(session, name, candidates, how.most))
  } catch (error) {
    return { is: "unknown", ...said(error) }
  }
}

/** So many of the likely values are tried to settle by, where no admin does it. */
const settleBy = 2

function opened(
  session: Session,
  name: string,
  versions: readonly Pick<Version, "id">[],
): Promise<readonly Credential[]> {
  return Promise.all(versions.map(({ id }) => session.open(name, id)))
}

async function ask(
  session: Session,
  name: string,
  candidates: readonly Version[],
  most: number,
): Promise<Survey> {
  const { host, stop } = session.work
  const [first] = candidates
  if (first === undefined) return { is: "known", accepted: [], refused: [], unasked: 0 }
  const control = await probeControl(session, name, await session.open(name, first.id))
  if (control === "accepted")
    return {
      is: "unknown",
      code: "accepts-anything",
      says: "the service accepts a random wrong value, so no login proves anything",
    }
  if (control === "unknown") return noAnswer(session, name)
  const accepted: string[] = []
  const refused: string[] = []
  for (const { id } of candidates.slice(0, most)) {
    await host.pause(pauseMs, stop)
    if (stop.aborted)
      throw new AppError("stopped", "stopped between two questions", { remedy: "retry" })
    const answer = await probe(session, name, await session.open(name, id))
    if (answer === "unknown") return noAnswer(session, name)
    if (answer === "refused") refused.push(id)
    else {
      accepted.push(id)
      // Where only one value lives, all others are dead.
      if (driverOf(session, name).overlap === "one") break
    }
  }
  return {
    is: "known",
    accepted,
    refused,
    unasked: Math.max(0, candidates.length - accepted.length - refused.length),
  }
}

type Known = Extract<Survey, { readonly is: "known" }>

/**
 * What was answered before anything was settled may have changed since: a value that was refused
 * may have landed.
 */
async function settleLate(
  session: Session,
  name: string,
  before: Known,
  askAgain: () => Promise<Survey>,
): Promise<Survey> {
  const [first] = before.accepted
  // Nobody can look by any login of ours: the refusals stand, unless what is under way only has to
  // be waited for.
  if (first === undefined)
    return driverOf(session, name).settleMs === undefined
      ? before
      : { is: "unknown", ...unsettled(session, name) }
  if (
    !(await settle(
      session,
      name,
      await opened(
        session,
        name,
        before.accepted.map((id) => ({ id })),
      ),
    ))
  )
    return { is: "unknown", ...unsettled(session, name) }
  if (driverOf(session, name).overlap !== "one") return askAgain()
  return (await probe(session, name, await session.open(name, first))) === "accepted"
    ? before
    : noAnswer(session, name)
}

function noAnswer(session: Session, name: string): Survey {
  const fault = session.faults.get(name)
  return {
    is: "unknown",
    code: fault?.code ?? "no-answer",
    says: fault?.says ?? unclear(session, name),
  }
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
