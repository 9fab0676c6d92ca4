import { type Version, versionAt } from "../core/version.ts"
import { changeVersion } from "../core/version-changes.ts"
import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { type Patch, type SecretState } from "../core/state.ts"
import { sayListeners } from "../plugins/drivers/server/listener.ts"
import type { Session } from "../rotate/session.ts"
import type { Adopted, Asked } from "./adoptable.ts"

/** What is to be written down of values that are taken over, all in one write. */
export type Noted = { readonly patches: Record<string, Patch>; readonly events: AuditEvent[] }

/**
 * The value is the current one already: a login has just proven it, and a person may say how old it
 * is.
 */
export function noteKnown(
  session: Session,
  name: string,
  ask: Asked,
  { patches, events }: Noted,
): Adopted {
  const state = session.state(name)
  const current = versionAt(state, "current")
  if (current === undefined) throw new AppError("internal", `${name}: no current version`)
  const renoted = noteListeners(session, name, { patches, events })
  const earlier = patches[name] ?? ((one: SecretState) => one)
  const said = mayDate(state, current, ask) ? ask.madeAt(name) : undefined
  // It was set back: proven, it counts again.
  if (state.drift !== undefined)
    events.push({ event: "drift-over", secret: name, version: current.id })
  if (said !== undefined)
    events.push({ event: "dated", secret: name, version: current.id, madeAt: said })
  if (state.drift !== undefined || said !== undefined) {
    patches[name] = (before) => {
      const { drift: _drift, ...one } = earlier(before)
      return said === undefined ? one : dated(one, current, said)
    }
  }
  return {
    kind: "known",
    version: current.id,
    ...renoted,
    ...present({ madeAt: said }),
    ...(ask.askedFor && current.adopted === undefined ? { ours: true } : {}),
  }
}

/** Mycelium knows when it made a value, unless a clock was wrong then. */
function mayDate({ undated }: SecretState, { adopted }: Version, { askedFor }: Asked): boolean {
  return adopted === "undated" || (askedFor && (adopted === "dated" || undated === true))
}

function dated(
  { undated: _undated, ...state }: SecretState,
  { id }: Version,
  madeAt: string,
): SecretState {
  const change = changeVersion(id, (version) => ({ ...version, madeAt, adopted: "dated" }))
  return { ...change(state), rotatedAt: madeAt }
}

/** A person looks on while a login works: what listens there now is what should. */
function noteListeners(
  session: Session,
  name: string,
  { patches, events }: Noted,
): { readonly listens?: readonly string[] } {
  const listeners = session.work.listeners?.[name]
  const seen = listeners?.seen
  if (seen !== undefined && listeners?.changed === true) {
    patches[name] = (state) => ({ ...state, listeners: seen })
    events.push({ event: "listeners", secret: name, message: sayListeners(listeners).join(", ") })
  }
  return listening(session, name)
}

export function listening(
  session: Session,
  name: string,
): { readonly listens?: readonly string[] } {
  const listens = sayListeners(session.work.listeners?.[name])
  return listens.length === 0 ? {} : { listens }
}
