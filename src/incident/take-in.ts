import { present } from "../base/present.ts"
import type { Credential, Fields, Probe } from "../core/ports.ts"
import { type Patch } from "../core/state.ts"
import type { Stage } from "../core/version.ts"
import { nextVersionId } from "../core/version-changes.ts"
import { driverOf, probe, probeControl } from "../rotate/ask.ts"
import type { Session } from "../rotate/session.ts"
import { fieldsOf, isWeakIn, knownAs, wrapped } from "../repair/adoptable.ts"
import { becomesCurrent } from "../repair/becomes-current.ts"

/**
 * How long (ms) the services of these secrets have to say what they take, before the others go on.
 */
export const briefMs = 3000

/**
 * Secrets without a known value that a containment chose: what the outputs show is taken over
 * first, sealed. So nothing that only a file holds is overwritten, its death can be proven, and
 * where it works a login by it can change it. What its service refuses is kept; where no answer is
 * clear, nothing is decided: those are returned. The next durable write takes all of it along.
 */
export async function takeIn(
  session: Session,
  names: readonly string[],
  { incident, forMs }: { readonly incident?: string; readonly forMs: number },
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set()
  const ended = new AbortController()
  const over = new AbortController()
  void session.work.host.pause(forMs, ended.signal).then(() => over.abort())
  const answers = await Promise.all(
    names.map(async (name) => [name, await takeOne(session, name, incident, over.signal)] as const),
  )
  ended.abort()
  return new Set(answers.flatMap(([name, answer]) => (answer === "unknown" ? [name] : [])))
}

async function takeOne(
  session: Session,
  name: string,
  incident: string | undefined,
  retryBudget: AbortSignal,
): Promise<Probe | undefined> {
  const fields = await shownOf(session, name)
  if (fields === undefined) return undefined
  const id = nextVersionId(session.state(name))
  const answer = await accepts(session, name, { version: id, fields }, retryBudget)
  if (answer === "unknown") return answer
  const known = await knownAs(session, name, fields)
  // Ours already: it is as it was, or that version counts again.
  if (known !== undefined) {
    if (answer === "accepted") countAgain(session, name, { version: known, fields }, incident)
    return answer
  }
  await becomesKnown(session, name, { id, fields, answer, ...present({ incident }) })
  return answer
}

type Taken = {
  readonly id: string
  readonly fields: Fields
  readonly answer: Exclude<Probe, "unknown">
  readonly incident?: string
}

/** A version in the state from now on: the current one, or one that its service refuses already. */
async function becomesKnown(
  session: Session,
  name: string,
  { id, fields, answer, incident }: Taken,
): Promise<void> {
  const now = session.work.host.now().toISOString()
  const sealed = await session.work.vault.seal(name, { version: id, fields })
  const stage: Stage = answer === "accepted" ? { kind: "current" } : { kind: "retired", since: now }
  const seen = session.work.listeners?.[name]?.seen
  // Marks of an earlier value say nothing of this one.
  const becomes: Patch = ({ weak: _weak, undated: _undated, ...state }) => ({
    ...state,
    rotatedAt: now,
    ...present({ weak: isWeakIn(fields) ? (true as const) : undefined, listeners: seen }),
  })
  const patch: Patch = (state) => ({
    ...(answer === "accepted" ? becomes(state) : state),
    driver: session.work.kinds[name] ?? "",
    // When it was made is not known.
    versions: [...state.versions, { id, madeAt: now, adopted: "undated", stage, ...sealed }],
  })
  session.noteSecrets({ [name]: patch })
  session.queueEvent({
    event: "adopt",
    secret: name,
    version: id,
    ...present({ code: answer === "accepted" ? undefined : "adopt-refused", incident }),
  })
}

function countAgain(
  session: Session,
  name: string,
  { version, fields }: Credential,
  incident: string | undefined,
): void {
  const replaced: Stage = { kind: "retired", since: session.work.host.now().toISOString() }
  const seen = session.work.listeners?.[name]?.seen
  const becomes = becomesCurrent(version, { replaced, said: undefined, weak: isWeakIn(fields) })
  session.noteSecrets({
    [name]: (state) => ({ ...becomes(state), ...present({ listeners: seen }) }),
  })
  session.queueEvent({ event: "adopt", secret: name, version, ...present({ incident }) })
}

/**
 * What its outputs show, all the same; undefined where they show nothing that can be taken over.
 */
async function shownOf(session: Session, name: string): Promise<Fields | undefined> {
  const all: Record<string, string> = {}
  try {
    for (const output of session.outputsOf([name])) {
      for (const [field, value] of Object.entries((await output.adopt([name]))[name] ?? {})) {
        if (all[field] !== undefined && all[field] !== value) return undefined
        all[field] = value
      }
    }
    const shown = wrapped(session, name, all)
    try {
      return fieldsOf(session, name, shown)
    } catch {
      // Of two users that take turns it may show the second.
      const first = driverOf(session, name).generate({ uncertain: [] }, session.work.text)
      return fieldsOf(session, name, shown, {
        current: { version: "first", fields: first },
        uncertain: [],
      })
    }
  } catch {
    // What cannot be read is not overwritten either: the drafts say why.
    return undefined
  }
}

async function accepts(
  session: Session,
  name: string,
  shown: { readonly version: string; readonly fields: Fields },
  retryBudget: AbortSignal,
): Promise<Probe> {
  // No service is asked: what the output shows is the value.
  if (driverOf(session, name).overlap === "none") return "accepted"
  const control = await probeControl(session, name, shown, retryBudget)
  return control === "refused" ? probe(session, name, shown, retryBudget) : "unknown"
}
