import { answerOf, type Fingerprint } from "../check/self-tests/shown-answer.ts"
import { isTakenAway } from "../core/contained.ts"
import { isEntry } from "../core/entry.ts"
import type { Output } from "../core/ports.ts"
import type { StateDocument } from "../core/state.ts"
import type { Session } from "../rotate/session.ts"

/** A file that was put back: it shows a value that a containment took away to whatever starts next. */
export type Leaked = {
  readonly secret: string
  readonly version: string
  readonly target: string
}

type Shows = Pick<Output, "target" | "place" | "shows" | "adopt">

/** By fingerprint, so that no value is opened. What cannot be read is told elsewhere. */
export async function leakedIn(
  output: Shows,
  document: StateDocument,
  fingerprint: Fingerprint,
): Promise<readonly Leaked[]> {
  const names = output.shows.filter((name) => document.secrets[name]?.contained !== undefined)
  if (names.length === 0 || isEntry(output)) return []
  const found = await output.adopt(names).catch(() => ({}) as Awaited<ReturnType<Output["adopt"]>>)
  return names.flatMap((secret): readonly Leaked[] => {
    const state = document.secrets[secret]
    const fields = Object.entries(found[secret] ?? {})
    if (state === undefined || fields.length === 0) return []
    // That one is owed, and told as such.
    if (state.unwritten?.outputs[output.target] !== undefined) return []
    const answer = answerOf(document, secret, fields, fingerprint)
    return answer.kind === "older" && isTakenAway(state, answer.shows)
      ? [{ secret, version: answer.shows, target: output.target }]
      : []
  })
}

export async function shownLeaked(session: Session): Promise<readonly Leaked[]> {
  const { outputs, vault } = session.work
  const all = outputs.map((output) =>
    leakedIn(output, session.document, (value) => vault.fingerprint(Buffer.from(value))),
  )
  return (await Promise.all(all)).flat()
}

export function sayLeaked({ target, version }: Leaked): string {
  return `${target} shows ${version}, which leaked: a program that starts now reads it`
}

export function renderLeaked(environment: string): string {
  return `mycelium render ${environment} writes the current value; then restart the programs that read it`
}
