import { describeError } from "../../base/error.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import { driverOf, unclear } from "../ask.ts"
import { type Answer, ask } from "../ask-versions.ts"
import { changeAt } from "../at-service.ts"
import { lostTrack } from "../prove.ts"
import type { Session } from "../session.ts"
import { Stragglers } from "../stragglers.ts"
import { applyTries, deadlines } from "../work.ts"

/** A member on its way back. `dead`: the service refuses the value that is given up. */
export type Back =
  | { readonly kind: "back"; readonly dead: boolean }
  | {
      readonly kind: "waiting"
      readonly code: string
      readonly message: string
      readonly by?: "file"
    }
  | { readonly kind: "stuck"; readonly code: string; readonly message: string }

/** What its service takes, before anything is changed there. `can`: it can be put back. */
export type Look = Back | { readonly kind: "can"; readonly answer: Answer }

/** In an incident a server that says nothing is not waited for. */
export async function lookAtAll(
  session: Session,
  set: ChangeSet,
): Promise<ReadonlyMap<string, Look>> {
  const looks = new Map<string, Look>()
  const stragglers = new Stragglers(session, () => set.secrets.filter((name) => !looks.has(name)))
  if (session.urgent) stragglers.count()
  try {
    await Promise.all(
      set.secrets.map(async (name) =>
        looks.set(name, await inspectService(session, name, stragglers.signal)),
      ),
    )
  } finally {
    stragglers.end()
  }
  return looks
}

async function inspectService(
  session: Session,
  name: string,
  waiting?: AbortSignal,
): Promise<Look> {
  if (driverOf(session, name).overlap === "none") return { kind: "back", dead: true }
  return judge(session, name, await ask(session, name, waiting))
}

function judge(session: Session, name: string, answer: Answer): Look {
  if (answer.lost === true) return lostTrack(answer)
  if (answer.pending === "unknown" || answer.current === "unknown" || answer.current === "none")
    return {
      kind: "waiting",
      code: answer.code ?? "no-answer",
      message: answer.message ?? unclear(session, name),
    }
  if (answer.current === "accepted") return { kind: "back", dead: answer.pending === "refused" }
  return answer.pending === "refused" ? lostTrack(answer) : { kind: "can", answer }
}

/** Makes the service hold the current value, and proves it. */
export async function takeBack(
  session: Session,
  name: string,
  first: Look | undefined,
): Promise<Back> {
  let look = first ?? (await inspectService(session, name))
  let last = { code: "cannot-go-back", message: "the service does not take the former value again" }
  for (let tries = 0; tries <= applyTries; tries++) {
    if (look.kind !== "can") return look
    try {
      const versions = await session.versions(name)
      const { current } = versions
      if (current === undefined) break
      session.work.onProgress("back", "the former value is put back", name)
      const driver = driverOf(session, name)
      await changeAt(session, name, deadlines.apply, (signal) =>
        driver.apply(current, versions, signal),
      )
    } catch (error) {
      last = describeError(error)
    }
    look = await inspectService(session, name)
  }
  return look.kind === "can" ? { kind: "stuck", ...last } : look
}
