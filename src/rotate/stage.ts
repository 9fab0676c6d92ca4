import { AppError, describeError } from "../base/error.ts"
import type { TokenOf } from "../core/entry.ts"
import type { Refusal } from "../core/change-set.ts"
import type { Draft, Output } from "../core/ports.ts"
import { outputWaitOf } from "./output-wait.ts"
import type { Session } from "./session.ts"

/**
 * Entries whose write takes two calls: the first puts the content where no reader sees it. Its token
 * is durable before, so that what a crash leaves at the manager can be taken away.
 */

type Staging = { readonly output: Output; readonly draft: Draft }

/** By change set, entry and content; of what belongs to no change set, by the run. */
export function tokensOf(session: Session, target: string): TokenOf {
  const { work, changeSet, document } = session
  const id = changeSet?.id ?? (session.writeId ??= `${document.id} ${document.serial}`)
  return (content) =>
    work.vault.fingerprint(Buffer.concat([Buffer.from(`${id}\0${target}\0`), content]))
}

/**
 * Why some could not be staged. Does nothing for those that this run has staged already, or that
 * take one call. One durable write for all of them: so it comes before they are written side by side.
 */
export async function stage(
  session: Session,
  all: readonly Staging[],
): Promise<Readonly<Record<string, Refusal>>> {
  const { work, stagedHere } = session
  const staging = all.flatMap(({ output, draft }) => {
    const token = draft.changed ? tokensOf(session, output.target)(draft.bytes) : ""
    const act = draft.stage?.bind(draft)
    return act === undefined || token === "" || stagedHere.has(token)
      ? []
      : [{ output, token, act }]
  })
  const refused: Record<string, Refusal> = {}
  if (staging.length === 0) return refused
  for (const { output, token } of staging)
    session.noteStaged(output.target, [...others(session, output.target, token), token])
  await session.commit({})
  await Promise.all(
    staging.map(async ({ output, token, act }) => {
      try {
        await work.delivery.ask(output, (signal) => act(token, signal), outputWaitOf(session))
        stagedHere.add(token)
      } catch (error) {
        refused[output.target] = describeError(error)
      }
    }),
  )
  return refused
}

export function throwIf(refused: Refusal | undefined): void {
  if (refused !== undefined) throw new AppError(refused.code, refused.message, { remedy: "retry" })
}

/** It is live now; the next durable write covers it. */
export function unstaged(session: Session, target: string, token: string): void {
  if (session.document.staged?.[target] === undefined) return
  session.noteStaged(target, others(session, target, token))
}

function others({ document }: Session, target: string, token: string): readonly string[] {
  return (document.staged?.[target] ?? []).filter((one) => one !== token)
}

/**
 * Takes away what was staged and given up. A manager that gives no answer is asked again in the next
 * turn. As long as a change set is open, what it has staged may be needed.
 */
export async function dropStaged(session: Session): Promise<void> {
  const { document, work } = session
  if (document.staged === undefined || session.changeSet !== undefined) return
  if ((document.deferred ?? []).length > 0) return
  for (const [target, tokens] of Object.entries(document.staged)) {
    const output = work.outputs.find((one) => one.target === target)
    const drop = output?.drop?.bind(output)
    if (output === undefined || drop === undefined) continue
    for (const token of tokens)
      try {
        await work.delivery.ask(output, (signal) => drop(token, signal), outputWaitOf(session))
        unstaged(session, target, token)
      } catch (error) {
        work.onProgress("tidy", describeError(error).message)
      }
  }
  if (session.document !== document) await session.commit({})
}
