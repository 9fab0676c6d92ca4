import { AppError, describeError } from "../base/error.ts"
import type { Credential } from "../core/ports.ts"
import type { SecretState } from "../core/state.ts"
import { type Version, valueOf } from "../core/version.ts"
import { driverOf, probe, probeControl, unclear } from "./ask.ts"
import { notSettled, settle, unsettled } from "./settle.ts"
import type { Session } from "./session.ts"

/** Which of all the versions that the state holds its service accepts now. */
export type ProbedVersions =
  /** Ids. `unasked`: how many older ones were left out. */
  | {
      readonly kind: "known"
      readonly accepted: readonly string[]
      readonly refused: readonly string[]
      readonly unasked: number
    }
  | { readonly kind: "unknown"; readonly code: string; readonly message: string }
  /** No service asks for it. */
  | { readonly kind: "none" }

/**
 * How many versions are asked for, unless a person wants all: each refused login counts at the
 * service.
 */
export const likely = 5
/** Between two questions (ms). */
const pauseMs = 500

type ProbeLimits = { readonly most: number; readonly looks: boolean }

/**
 * What an earlier run may have left under way is ended first, unless one only `looks`: ending and
 * completing it changes things. Then a wrong value, then one login a version, the likely ones
 * first. Nothing is decided on an unclear answer.
 */
export async function probeVersions(
  session: Session,
  name: string,
  options: ProbeLimits,
): Promise<ProbedVersions> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { kind: "none" }
  try {
    const candidates = byLikelihood(session.state(name))
    if (candidates.length === 0) return { kind: "known", accepted: [], refused: [], unasked: 0 }
    if (options.looks) return await ask(session, name, candidates, options.most)
    const isSettled = await settle(
      session,
      name,
      await opened(session, name, candidates.slice(0, settleBy)),
    )
    // No answer comes, or it runs where it cannot be seen: a question would tell nothing that
    // lasts.
    const why = unsettled(session, name)
    if (!isSettled && why.code !== notSettled.code) return { kind: "unknown", ...why }
    const answer = await ask(session, name, candidates, options.most)
    return isSettled || answer.kind !== "known"
      ? answer
      : await settleLate(session, name, answer, () => ask(session, name, candidates, options.most))
  } catch (error) {
    return { kind: "unknown", ...describeError(error) }
  }
}

/** How many of the likely values are tried to settle by, if no admin does it. */
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
): Promise<ProbedVersions> {
  const { host, stop } = session.work
  const [first] = candidates
  if (first === undefined) return { kind: "known", accepted: [], refused: [], unasked: 0 }
  const control = await probeControl(session, name, await session.open(name, first.id))
  if (control === "accepted")
    return {
      kind: "unknown",
      code: "accepts-anything",
      message: "the service accepts a random wrong value, so no login proves anything",
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
    kind: "known",
    accepted,
    refused,
    unasked: Math.max(0, candidates.length - accepted.length - refused.length),
  }
}

type IssuedVersions = Extract<ProbedVersions, { readonly kind: "known" }>

/**
 * What was answered before anything was settled may have changed since: a value that was refused
 * may have landed.
 */
async function settleLate(
  session: Session,
  name: string,
  before: IssuedVersions,
  askAgain: () => Promise<ProbedVersions>,
): Promise<ProbedVersions> {
  const [first] = before.accepted
  // No login of Mycelium can look: the refusals stand, unless what is under way only has to
  // be waited for.
  if (first === undefined)
    return driverOf(session, name).settleMs === undefined
      ? before
      : { kind: "unknown", ...unsettled(session, name) }
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
    return { kind: "unknown", ...unsettled(session, name) }
  if (driverOf(session, name).overlap !== "one") return askAgain()
  return (await probe(session, name, await session.open(name, first))) === "accepted"
    ? before
    : noAnswer(session, name)
}

function noAnswer(session: Session, name: string): ProbedVersions {
  const fault = session.faults.get(name)
  return {
    kind: "unknown",
    code: fault?.code ?? "no-answer",
    message: fault?.message ?? unclear(session, name),
  }
}

const order = ["current", "pending", "previous", "uncertain", "retired"] as const

/** The likely ones first, of those alike the youngest; the same value is asked for once. */
export function byLikelihood({ versions }: SecretState): readonly Version[] {
  const sorted = order.flatMap((kind) =>
    versions.filter((version) => version.stage.kind === kind).toReversed(),
  )
  const seen = new Set<string>()
  return sorted.filter((version) => {
    const value = valueOf(version)
    return !seen.has(value) && seen.add(value) !== undefined
  })
}
