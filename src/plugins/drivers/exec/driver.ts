import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type {
  Credential,
  Driver,
  Fields,
  MakeText,
  Heard,
  Probe,
  Versions,
} from "../../../core/ports.ts"
import { type ExecTarget, call } from "./call.ts"
import { longestSettleMs, valueShape } from "./options.ts"
import { describe, preflight } from "./preflight.ts"
import { Applied, Done, Ended, Verified, plain, plainVersions } from "./protocol.ts"
import { SettledWatch } from "./quiet.ts"
import { Trusted } from "./trusted.ts"

/** One secret that a program rotates. Lives as long as the engine works on its environment. */
export class ExecDriver implements Driver {
  readonly overlap: Driver["overlap"]
  readonly runsProgram = true
  readonly settleMs = longestSettleMs
  readonly #target: ExecTarget
  readonly #settled: SettledWatch
  readonly #trusted: Trusted | undefined

  constructor(target: ExecTarget) {
    this.#target = target
    this.#settled = new SettledWatch(target)
    this.#trusted = target.options.trust_apply ? new Trusted() : undefined
    this.overlap = target.options.holds === "one" ? "one" : "both"
  }

  generate({ current }: Versions, text: MakeText): Fields {
    return {
      ...present({ user: this.#nextUser(current?.fields["user"]) }),
      password: text("password", valueShape(this.#target.options)),
    }
  }

  /** A pair takes turns; the one named first begins. */
  #nextUser(current: Fields[string] | undefined): string | undefined {
    const { users, user } = this.#target.options
    if (users === undefined) return user
    return users[0] === current ? users[1] : users[0]
  }

  async preflight(versions: Versions, signal: AbortSignal): ReturnType<Driver["preflight"]> {
    if (versions.current !== undefined) this.#trusted?.accepted(versions.current)
    return preflight(this.#target, versions, signal)
  }

  async settle(known: readonly Credential[], signal: AbortSignal): Promise<boolean> {
    this.#trusted?.introduce(known)
    const { settle } = await describe(this.#target, signal)
    return this.#settled.settle(Math.max(this.#target.options.settle ?? 0, settle * 1000), signal)
  }

  async apply(
    next: Credential,
    versions: Versions,
    signal: AbortSignal,
  ): Promise<{ readonly acceptedAt: string }> {
    const about = { next: plain(next), ...plainVersions(versions) }
    try {
      const answer = await this.#settled.act(signal, () =>
        call(this.#target, { verb: "apply", about, answer: Applied }, signal),
      )
      if (answer.refused) throw this.#refusal()
      this.#trusted?.accepted(next)
      return { acceptedAt: answer.accepted_at ?? this.#target.context.host.now().toISOString() }
    } catch (error) {
      this.#trusted?.failed(next, error)
      throw error
    }
  }

  async probe(candidate: Credential, signal: AbortSignal, heard?: Heard): Promise<Probe> {
    if (this.#trusted !== undefined) return this.#trusted.probe(candidate)
    try {
      const { answer } = await call(
        this.#target,
        { verb: "verify", about: { candidate: plain(candidate) }, answer: Verified },
        signal,
      )
      return answer
    } catch (error) {
      // Anything else than an AppError is a mistake in this program and must not pass for an
      // answer.
      if (!(error instanceof AppError)) throw error
      heard?.(error)
      return "unknown"
    }
  }

  async revoke(
    old: Credential,
    live: Credential,
    { endSessions }: { readonly endSessions: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly sessionsEnded: number }> {
    const about = { old: plain(old), live: plain(live) }
    // Where one value lives, `apply` has ended the old one.
    if (this.overlap === "both")
      await this.#settled.act(signal, () =>
        call(this.#target, { verb: "revoke", about, answer: Done }, signal),
      )
    this.#trusted?.dead(old)
    this.#trusted?.accepted(live)
    if (!endSessions) return { sessionsEnded: 0 }
    await this.#refuseUnlessEnding(signal)
    const { ended } = await this.#settled.act(signal, () =>
      call(this.#target, { verb: "end-sessions", about, answer: Ended }, signal),
    )
    return { sessionsEnded: ended }
  }

  async deleteLogin(known: readonly Credential[], signal: AbortSignal): Promise<void> {
    if (!(await describe(this.#target, signal)).forgets) {
      throw new AppError(
        "exec-cannot-forget",
        `${this.#target.program} cannot take every value away`,
        {
          remedy: "give-up",
          hint: "teach the program forget, or end the login by hand and add --login-ended",
        },
      )
    }
    await this.#settled.act(signal, () =>
      call(
        this.#target,
        { verb: "forget", about: { known: known.map(plain) }, answer: Done },
        signal,
      ),
    )
    for (const one of known) this.#trusted?.dead(one)
  }

  describe(): string {
    return `${this.#target.program} apply`
  }

  async #refuseUnlessEnding(signal: AbortSignal): Promise<void> {
    if ((await describe(this.#target, signal)).ends_sessions) return
    throw new AppError("sessions-out-of-reach", `${this.#target.program} cannot end sessions`, {
      hint: "take end_sessions out, or teach the program end-sessions",
    })
  }

  #refusal(): AppError {
    return new AppError(
      "refused-by-policy",
      `${this.#target.program} says that the service will never take this value`,
      { remedy: "give-up" },
    )
  }
}
