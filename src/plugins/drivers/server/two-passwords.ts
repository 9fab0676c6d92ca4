import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import { driftRemedy } from "../../../core/drift.ts"
import type { Credential, OthersRevoked, Finding, Probe, Versions } from "../../../core/ports.ts"
import { problem, throwForPerson } from "./findings.ts"
import { endedOrLeft } from "./sessions-left.ts"
import { passwordOf, withPassword } from "./version.ts"

/**
 * The life of an account that holds a set of passwords: one is added beside the old, kept, taken
 * away, and never the last. A service keeps each by a hash, the same for the same password, so what
 * is done twice changes nothing.
 */

/** One account at one server, in one session. */
export type Account = {
  /** "user shop", for people. */
  readonly name: string
  /** "at cache:6379 as admin", for errors. */
  readonly message: string
  /** The hashes that it holds. Throws where it is unfit to be given a password or to lose one. */
  read(): Promise<readonly string[]>
  /** `held`: what `read` has just said. */
  add(hash: string, held: readonly string[]): Promise<void>
  remove(hash: string, held: readonly string[]): Promise<void>
  /** One step: no password is left but this one, no matter who set the others. */
  leave(hash: string): Promise<void>
  /** What there is outlives a restart of the server; also where nothing had to be changed. */
  keep(): Promise<void>
}

/**
 * Adds one, beside those that it has. What it should hold then and does not: all is well if none.
 */
export async function addPassword(account: Account, hash: string): Promise<readonly string[]> {
  const held = await account.read()
  if (!held.includes(hash)) await account.add(hash, held)
  await account.keep()
  const after = await account.read()
  return [hash, ...held].filter((one) => !after.includes(one))
}

/** Takes `dead` away, if it is there, and only where `stays` is. `label`: the secret's. */
export async function removePassword(
  account: Account,
  { dead, stays }: { readonly dead: string; readonly stays: string },
  label: string,
): Promise<void> {
  const held = await account.read()
  if (!held.includes(stays))
    throw new AppError(
      "live-missing",
      `${account.message}: ${account.name} does not hold its present password, so the older one stays`,
      { hint: driftRemedy(label) },
    )
  // The same password under two versions lives as long as either.
  if (dead === stays) return
  if (held.includes(dead)) await account.remove(dead, held)
  await account.keep()
}

export type LeftAlone = { readonly hadOthers: boolean; readonly isAlone: boolean }

/** For containment. `isAlone`: it stayed so. */
export async function leaveOnly(account: Account, hash: string): Promise<LeftAlone> {
  const hadOthers = !isOnly(await account.read(), hash)
  if (hadOthers) await account.leave(hash)
  await account.keep()
  return { hadOthers, isAlone: isOnly(await account.read(), hash) }
}

export function isOnly(held: readonly string[], hash: string): boolean {
  return held.length === 1 && held[0] === hash
}

/** Another user sets passwords of the same account. `hint`: how a person finds out which. */
export function notKept(
  { message, name }: Pick<Account, "message" | "name">,
  hint?: string,
): AppError {
  return new AppError(
    "password-not-kept",
    `${message}: the new password was taken and is gone again: another session changes ${name}`,
    { remedy: "retry", ...present({ hint }) },
  )
}

type Sessions = {
  readonly name: string
  /** Ends those that are older than the value. */
  end(): Promise<number>
  /** How many there are now. */
  count(): Promise<number>
  /** "CLIENT KILL USER shop": how a person ends all of them; `alone`: where we may not. */
  readonly by: string
  readonly alone: string
}

/**
 * The end of a `revokeOthers`. Until the old password was taken away (`hadOthers`) both were
 * accepted, and no server tells by which a session came in: those sessions are reported.
 */
export async function expelSessions(
  { hadOthers }: Pick<LeftAlone, "hadOthers">,
  { name, end, count, by, alone }: Sessions,
): Promise<OthersRevoked> {
  const { ended, left } = await endedOrLeft(end, alone)
  // Of sessions that are out of reach it is said already that all may live.
  const younger = hadOthers && left?.code !== "sessions-out-of-reach" ? await count() : 0
  const many = younger === 1 ? "1 session" : `${younger} sessions`
  return {
    sessionsEnded: ended,
    notes:
      younger === 0
        ? []
        : [
            `${many} of ${name} began after the new password was there and before the old one ` +
              `was gone: if not all are yours, ${by} (--revoke-first leaves no such time)`,
          ],
    ...present({ sessionsLeft: left }),
  }
}

/**
 * A login was refused: for the password, if an admin sees that the account would let in by another
 * and does not hold this one (`isGone`). An account that is locked refuses the right one, too.
 */
export async function judgeBySight(admin: string, isGone: () => Promise<boolean>): Promise<Probe> {
  try {
    return (await isGone()) ? "refused" : "unknown"
  } catch (error) {
    throwForPerson(error, admin)
    return "unknown"
  }
}

export function holdsCurrent(
  held: readonly string[],
  current: Credential,
  hashOf: (version: Credential) => string,
): boolean {
  return passwordOf(current) === undefined || held.includes(hashOf(current))
}

/** What an account holds that lacks ours may be all that its programs have: it has drifted. */
export function lacksCurrent(name: string, label: string): Finding {
  return {
    ...problem("current-refused", `${name} does not hold the current value`, driftRemedy(label)),
    yields: true,
  }
}

/**
 * Passwords that are in none of our versions. `remedy`: how a person sees whose one is, and ends
 * it.
 */
export function strangers(
  {
    name,
    held,
    label,
    remedy,
  }: {
    readonly name: string
    readonly held: readonly string[]
    /** The secret's. */
    readonly label: string
    readonly remedy: string
  },
  versions: Versions,
  hashOf: (version: Credential) => string,
): readonly Finding[] {
  const ours = withPassword(versions).map(hashOf)
  const strange = held.filter((hash) => !ours.includes(hash))
  const back = (versions.retired ?? []).filter((one) => strange.includes(hashOf(one)))
  if (back.length > 0) return [backAgain({ name, label }, back)]
  const unknown = strange.length
  if (unknown === 0) return []
  const many = unknown === 1 ? "a password" : `${unknown} passwords`
  const message = `${name} holds ${many} besides ours, which a rotation would leave alive`
  return [{ ...problem("unknown-password", message, remedy), yields: true }]
}

/** A failover, or an older file that was put back: it lets in those who had it before a containment. */
function backAgain(
  { name, label }: { readonly name: string; readonly label: string },
  back: readonly Credential[],
): Finding {
  const which = back.map(({ version }) => version).join(", ")
  return {
    ...problem(
      "compromised-again",
      `${name} holds the value of ${which} again, which a containment took away, besides the current one`,
      `mycelium rotate-now ${label} --contain ends it`,
    ),
    yields: true,
  }
}

/**
 * For a first value: an account that holds a password is in use. One that holds none has nothing to
 * put back.
 */
export function refuseHeld(
  { name, message }: Account,
  held: readonly string[],
  hint: string,
): void {
  if (held.length === 0) return
  const many = held.length === 1 ? "a password" : `${held.length} passwords`
  throw new AppError("value-exists", `${message}: ${name} holds ${many} already`, { hint })
}
