import { present } from "../../base/present.ts"
import { type SecretState } from "../../core/state.ts"
import { versionAt } from "../../core/version.ts"
import type { ProbedVersions } from "../probe-versions.ts"
import { deploymentsOf } from "../readers.ts"
import type { ReconcileFinding } from "./finding.ts"
import { looks } from "./looks.ts"
import { showsIt } from "./shows-it.ts"
import type { Known } from "./stages.ts"
import type { Session } from "../session.ts"

/** What the answers of its service come to. */
export async function judge(
  session: Session,
  name: string,
  answer: ProbedVersions,
): Promise<ReconcileFinding> {
  if (answer.kind === "unknown") return answer
  const state = session.state(name)
  const current = versionAt(state, "current")
  if (answer.kind === "none")
    return current === undefined ? { kind: "new" } : same(session, name, current.id, [])
  if (state.versions.length === 0) return { kind: "new" }
  const [version] = answer.accepted
  if (version === undefined) return lost(session, name, answer)
  const revived = answer.accepted.slice(1).filter((id) => isDeadOf(state, id))
  return version === current?.id
    ? same(session, name, version, revived)
    : foundAlive(session, name, version, revived)
}

function lost(session: Session, name: string, { refused, unasked }: Known): ReconcileFinding {
  const state = session.state(name)
  const current = versionAt(state, "current")
  const user = (current ?? state.versions.at(-1))?.clear["user"]
  return {
    kind: "lost",
    asked: refused.length,
    unasked,
    driver: session.work.kinds[name] ?? "",
    ...(current === undefined ? {} : { current: current.id }),
    ...present({ user }),
  }
}

/** Neither its grace nor a doubt says that its service may accept it. */
function isDeadOf({ versions }: SecretState, id: string): boolean {
  return versions.some(
    (one) => one.id === id && one.stage.kind !== "previous" && one.stage.kind !== "uncertain",
  )
}

async function foundAlive(
  session: Session,
  name: string,
  version: string,
  revived: readonly string[],
): Promise<ReconcileFinding> {
  const was = versionAt(session.state(name), "current")?.id
  const outputs = await looks(session, name, version)
  const fault = outputs.find((one) => one.fault !== undefined)?.fault
  if (fault !== undefined) return { kind: "held", version, ...fault }
  const changed = outputs.filter((one) => one.differs).map(({ target }) => target)
  // What programs have read while its rotation is not finished is not known.
  const unsure = changed.length > 0 || session.isOpen(name)
  const restarts =
    unsure || (await anySick(session, name))
      ? deploymentsOf(session, [name]).map((one) => one.name)
      : []
  return {
    kind: "found",
    version,
    ...present({ was }),
    outputs: changed,
    restarts,
    revived,
  }
}

async function same(
  session: Session,
  name: string,
  version: string,
  revived: readonly string[],
): Promise<ReconcileFinding> {
  const found = session.state(name).versions.find(({ id }) => id === version)
  const outputs =
    found === undefined ? [] : await showsIt(session, name, await session.shown(name, found))
  const fault = outputs.find((one) => one.fault !== undefined)?.fault
  if (fault !== undefined) return { kind: "held", version, ...fault }
  return {
    kind: "same",
    version,
    differ: outputs.filter((one) => one.differs).map(({ target }) => target),
    revived,
  }
}

async function anySick(session: Session, name: string): Promise<boolean> {
  const answers = await Promise.all(
    deploymentsOf(session, [name]).map((one) =>
      session.work.restarts.healthy(one, session.work.stop),
    ),
  )
  return answers.some((answer) => answer !== true)
}
