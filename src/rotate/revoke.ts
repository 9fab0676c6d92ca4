import { within } from "../base/deadline.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Credential } from "../core/ports.ts"
import { type Patch, type Version, changeVersion } from "../core/state.ts"
import { driverOf, probe, said } from "./ask.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

export type Death =
  | { readonly is: "dead"; readonly sessionsEnded: number }
  /** Still accepted although it was taken away. */
  | { readonly is: "alive"; readonly code: string; readonly says: string }
  | { readonly is: "owed"; readonly code: string; readonly says: string }

export type Revoked = { readonly secret: string; readonly version: string; readonly death: Death }

/** A job of its own, owed until done: takes away what is past its grace (or may be live), and proves that it is dead. */
export async function revokeOwed(session: Session, how: { readonly skipGrace: boolean; readonly secrets?: readonly string[] }): Promise<readonly Revoked[]> {
  const owed = owedVersions(session, how)
  const revoked = await Promise.all(owed.map(({ name, version }) => revokeOne(session, name, version)))
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const since = session.work.host.now().toISOString()
  for (const { secret, version, death } of revoked) {
    events.push({ event: death.is === "dead" ? "revoke" : "revoke-failed", secret, version, ...(death.is === "dead" ? { sessionsEnded: death.sessionsEnded } : { code: death.code }) })
    if (death.is !== "dead") continue
    const earlier = patches[secret]
    const kept = changeVersion(version, (one) => ({ ...one, stage: { is: "kept", since } }))
    patches[secret] = (state) => kept(earlier === undefined ? state : earlier(state))
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
  return revoked
}

/** What could be revoked now. Versions of a secret in the open change set wait for its end. */
export function owedVersions(session: Session, how: { readonly skipGrace: boolean; readonly secrets?: readonly string[] }): readonly { readonly name: string; readonly version: Version }[] {
  const now = session.work.host.now().getTime()
  const owed: { name: string; version: Version }[] = []
  for (const [name, state] of Object.entries(session.document.secrets)) {
    if (session.work.drivers[name] === undefined || session.changeSet?.secrets.includes(name) === true) continue
    if (how.secrets !== undefined && !how.secrets.includes(name)) continue
    for (const version of state.versions) {
      const due = version.stage.is === "doubtful" || (version.stage.is === "previous" && (how.skipGrace || Date.parse(version.stage.revokeAt) <= now))
      if (due) owed.push({ name, version })
    }
  }
  return owed
}

async function revokeOne(session: Session, name: string, version: Version): Promise<Revoked> {
  const old = await session.open(name, version.id)
  const { current } = await session.versions(name)
  const answer = (death: Death): Revoked => ({ secret: name, version: version.id, death })
  if (current === undefined) return answer({ is: "owed", code: "no-current", says: "there is no current value to prove the death by" })
  session.work.tell("revoke", `${version.id}, and a login with it must fail`, name)
  return answer(await proveDead(session, name, { id: version.id, old, live: current, endSessions: version.stage.is === "previous" && version.stage.endSessions }))
}

/** Takes `old` away, then proves its death: its login is refused while the same login works with `live`. */
export async function proveDead(session: Session, name: string, about: { readonly id: string; readonly old: Credential; readonly live: Credential; readonly endSessions: boolean }): Promise<Death> {
  const driver = driverOf(session, name)
  if (driver.overlap === "none") return { is: "dead", sessionsEnded: 0 }
  let sessionsEnded = 0
  try {
    const done = await within(deadlines.revoke, (signal) => driver.revoke(about.old, about.live, { endSessions: about.endSessions }, signal))
    sessionsEnded = done.sessionsEnded
  } catch (error) {
    return { is: "owed", ...said(error) }
  }
  const answer = await probe(session, name, about.old)
  if (answer === "accepted") return { is: "alive", code: "not-proven-dead", says: `the service still accepts ${about.id}` }
  if (answer === "unknown") return { is: "owed", code: "no-answer", says: `the service gives no clear answer about ${about.id}` }
  if ((await probe(session, name, about.live)) !== "accepted") return { is: "owed", code: "no-counter-proof", says: `the service refuses ${about.id}, but does not accept the current value either` }
  return { is: "dead", sessionsEnded }
}
