import type { Patch } from "../core/state.ts"
import { owesRevokeOthers } from "../core/open-containment.ts"
import { type Version, valueOf, versionAt, versionNumber } from "../core/version.ts"
import { probe, probeControl, unclear } from "../rotate/ask.ts"
import { driftNotes } from "../rotate/drift.ts"
import { hiddenActOf } from "../rotate/elsewhere.ts"
import type { Session } from "../rotate/session.ts"
import { briefMs } from "./take-in.ts"

/**
 * What an earlier run of this incident has contained is asked about again, by logins, before it is
 * called contained: a failover may have lost the change, or have brought a value back.
 */

/** By secret. */
export type Asked = Readonly<Record<string, Answer>>
export type Answer =
  /** Versions: its value is accepted, and these are refused beside it. */
  | { readonly kind: "holds"; readonly refused: readonly string[] }
  /** No service asks for it. */
  | { readonly kind: "none" }
  /** Its service could not be asked now, for this reason. */
  | { readonly kind: "unasked"; readonly message: string }

/**
 * How many of the values that were taken away are tried again where a service can hold several: each
 * refused login counts at the service.
 */
const triedAgain = 2

/**
 * Those that the answers speak against are noted as what they are: with a drift, or with a value
 * that counts again. So they are not held any more, and get a fresh value.
 */
export async function askHeld(
  session: Session,
  held: readonly string[],
  incident: string,
): Promise<Asked> {
  const ended = new AbortController()
  const over = new AbortController()
  void session.work.host.pause(briefMs, ended.signal).then(() => over.abort())
  const answers = await Promise.all(
    held.map(async (name) => [name, await askOne(session, name, { incident, over })] as const),
  )
  ended.abort()
  return Object.fromEntries(
    answers.flatMap(([name, answer]) => (answer === undefined ? [] : [[name, answer] as const])),
  )
}

type Asking = { readonly incident: string; readonly over: AbortController }

/** undefined: it does not hold any more. */
async function askOne(
  session: Session,
  name: string,
  { incident, over: { signal } }: Asking,
): Promise<Answer | undefined> {
  const driver = session.work.drivers[name]
  if (driver === undefined)
    return unasked("it is not in the config any more, so nothing here reaches its service")
  if (driver.overlap === "none") return { kind: "none" }
  const state = session.state(name)
  const current = versionAt(state, "current")
  const hidden = hiddenActOf(session, name)
  if (current === undefined || hidden !== undefined)
    return unasked(hidden?.message ?? "it has no current value")
  const credential = await session.open(name, current.id)
  const answer = await probe(session, name, credential, signal)
  if (answer === "unknown") return unasked(unclear(session, name))
  if (answer === "refused") {
    if ((await probeControl(session, name, credential, signal)) !== "refused")
      return unasked(unclear(session, name))
    noteDrift(session, name)
    return undefined
  }
  // What is owed is taken away, and proven dead, by this run itself.
  if (driver.overlap === "one" || owesRevokeOthers(state)) return { kind: "holds", refused: [] }
  return askOlder(session, name, { incident, current, signal })
}

type Older = { readonly incident: string; readonly current: Version; readonly signal: AbortSignal }

async function askOlder(
  session: Session,
  name: string,
  { incident, current, signal }: Older,
): Promise<Answer | undefined> {
  const refused: string[] = []
  for (const { id } of takenAway(session, name, current)) {
    const answer = await probe(session, name, await session.open(name, id), signal)
    if (answer === "unknown") return unasked(unclear(session, name))
    if (answer === "accepted") {
      countsAgain(session, name, { id, incident })
      return undefined
    }
    refused.push(id)
  }
  return { kind: "holds", refused }
}

/** The youngest first, each value once. */
function takenAway(session: Session, name: string, current: Version): readonly Version[] {
  const seen = new Set([valueOf(current)])
  return session
    .state(name)
    .versions.filter(({ id }) => versionNumber(id) < versionNumber(current.id))
    .toReversed()
    .filter((version) => !seen.has(valueOf(version)) && seen.add(valueOf(version)) !== undefined)
    .slice(0, triedAgain)
}

function unasked(message: string): Answer {
  return { kind: "unasked", message }
}

function noteDrift(session: Session, name: string): void {
  const { patches, events } = driftNotes(session, [name])
  session.noteSecrets(patches)
  for (const event of events) session.queueEvent(event)
  session.work.onProgress("ask", "the service refuses its value, so it is contained again", name)
}

/** The containment, which follows, takes it away with all others. */
function countsAgain(
  session: Session,
  name: string,
  { id, incident }: { readonly id: string; readonly incident: string },
): void {
  const since = session.work.host.now().toISOString()
  const why = "the service accepts it again"
  const patch: Patch = (state) => ({
    ...state,
    uncontained: state.uncontained ?? { incident, since, code: "compromised-again" },
    versions: state.versions.map((version) =>
      version.id === id ? { ...version, stage: { kind: "uncertain", why } } : version,
    ),
  })
  session.noteSecrets({ [name]: patch })
  session.queueEvent({
    event: "not-contained",
    secret: name,
    version: id,
    code: "compromised-again",
    incident,
  })
  session.work.onProgress("ask", `${why}: ${id}, so it is contained again`, name)
}
