import { AppError } from "../../../base/error.ts"
import type {
  Credential,
  Driver,
  Fields,
  MakeText,
  Heard,
  Probe,
  Versions,
} from "../../../core/ports.ts"
import { type Place, call } from "./call.ts"
import { longestSettleMs, valueShape } from "./options.ts"
import { describe, preflight } from "./preflight.ts"
import { Applied, Done, Ended, Verified, plain, plainVersions } from "./protocol.ts"
import { Quiet } from "./quiet.ts"
import { Trusted } from "./trusted.ts"

/** One secret that a program rotates. Lives as long as the engine works on its environment. */
export class ExecDriver implements Driver {
  readonly overlap: Driver["overlap"]
  readonly runsProgram = true
  readonly settleMs = longestSettleMs
  readonly #place: Place
  readonly #quiet: Quiet
  readonly #trusted: Trusted | undefined

  constructor(place: Place) {
    this.#place = place
    this.#quiet = new Quiet(place)
    this.#trusted = place.options.trust_apply ? new Trusted() : undefined
    this.overlap = place.options.holds === "one" ? "one" : "both"
  }

  draft({ current }: Versions, text: MakeText): Fields {
    const { users, user } = this.#place.options
    // A pair takes turns; whoever comes first is first.
    const next =
      users === undefined ? user : users[0] === current?.fields["user"] ? users[1] : users[0]
    return {
      ...(next === undefined ? {} : { user: next }),
      password: text("password", valueShape(this.#place.options)),
    }
  }

  async preflight(versions: Versions, signal: AbortSignal): ReturnType<Driver["preflight"]> {
    if (versions.current !== undefined) this.#trusted?.accepted(versions.current)
    return preflight(this.#place, versions, signal)
  }

  async settle(known: readonly Credential[], signal: AbortSignal): Promise<boolean> {
    this.#trusted?.introduce(known)
    const { settle } = await describe(this.#place, signal)
    return this.#quiet.settle(Math.max(this.#place.options.settle ?? 0, settle * 1000), signal)
  }

  async apply(
    next: Credential,
    versions: Versions,
    signal: AbortSignal,
  ): Promise<{ readonly acceptedAt: string }> {
    const about = { next: plain(next), ...plainVersions(versions) }
    try {
      const answer = await this.#quiet.act(signal, () =>
        call(this.#place, { verb: "apply", about, answer: Applied }, signal),
      )
      if (answer.refused) throw this.#refusal()
      this.#trusted?.accepted(next)
      return { acceptedAt: answer.accepted_at ?? this.#place.reach.host.now().toISOString() }
    } catch (error) {
      this.#trusted?.failed(next, error)
      throw error
    }
  }

  async probe(candidate: Credential, signal: AbortSignal, heard?: Heard): Promise<Probe> {
    if (this.#trusted !== undefined) return this.#trusted.probe(candidate)
    try {
      const { answer } = await call(
        this.#place,
        { verb: "verify", about: { candidate: plain(candidate) }, answer: Verified },
        signal,
      )
      return answer
    } catch (error) {
      // What is no error of ours is a mistake in this program and must not pass for an answer.
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
      await this.#quiet.act(signal, () =>
        call(this.#place, { verb: "revoke", about, answer: Done }, signal),
      )
    this.#trusted?.dead(old)
    this.#trusted?.accepted(live)
    if (!endSessions) return { sessionsEnded: 0 }
    await this.#refuseUnlessEnding(signal)
    const { ended } = await this.#quiet.act(signal, () =>
      call(this.#place, { verb: "end-sessions", about, answer: Ended }, signal),
    )
    return { sessionsEnded: ended }
  }

  async forget(known: readonly Credential[], signal: AbortSignal): Promise<void> {
    if (!(await describe(this.#place, signal)).forgets) {
      throw new AppError(
        "exec-cannot-forget",
        `${this.#place.program} cannot take every value away`,
        {
          remedy: "give-up",
          hint: "teach the program forget, or end the login by hand and add --keep-login",
        },
      )
    }
    await this.#quiet.act(signal, () =>
      call(
        this.#place,
        { verb: "forget", about: { known: known.map(plain) }, answer: Done },
        signal,
      ),
    )
    for (const one of known) this.#trusted?.dead(one)
  }

  describe(): string {
    return `${this.#place.program} apply`
  }

  async #refuseUnlessEnding(signal: AbortSignal): Promise<void> {
    if ((await describe(this.#place, signal)).ends_sessions) return
    throw new AppError("sessions-out-of-reach", `${this.#place.program} cannot end sessions`, {
      hint: "take end_sessions out, or teach the program end-sessions",
    })
  }

  #refusal(): AppError {
    return new AppError(
      "refused-by-policy",
      `${this.#place.program} says that the service will never take this value`,
      { remedy: "give-up" },
    )
  }
}
