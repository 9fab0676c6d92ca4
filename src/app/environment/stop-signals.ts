import { AppError } from "../../base/error.ts"
import { Wanted } from "../../base/files/lock-wanted.ts"
import { endsAtOnce, setLastWords } from "../../base/processes/last-words.ts"
import { countDown } from "../../base/processes/run-time.ts"
import { cutOff } from "../../rotate/cut-off.ts"
import { cutOffLines, leftNow, namesOf, standing } from "../../rotate/cut-off-words.ts"
import type { Session } from "../../rotate/session.ts"
import type { App } from "../app.ts"

const handedOver = new AppError(
  "handed-over",
  "stopped between two steps: another run has asked for this environment",
  { remedy: "retry", hint: "it carries on from here" },
)

const untilHandedOver =
  "until the run that has asked for this environment has finished; if that one does not, " +
  "run the same command again"

/** How often (ms) the holder of a lock looks whether another run waits for it. */
const pollMs = 125
/** How long (ms) an act at a service may go on after the request to stop. */
const forceStopMs = 2000

/**
 * Ends the work on an environment early: we are asked to stop, or another run asks for it. While
 * programs are cut off, a request to stop waits until they are not; another run goes on with what it
 * finds, and is let in at once.
 */
export class StopSignals {
  readonly #app: Pick<App, "host" | "stop" | "onProgress" | "notice">
  readonly #name: string
  readonly #stop = new AbortController()
  readonly #asked = new AbortController()
  readonly #forceStop = new AbortController()
  readonly #polling: ReturnType<typeof setInterval>
  #callOff = (): void => undefined
  #session: Session | undefined
  readonly #stopped = (): void => this.#ask()

  constructor(
    app: Pick<App, "host" | "stop" | "onProgress" | "notice">,
    name: string,
    lock: string,
  ) {
    this.#app = app
    this.#name = name
    const wanted = new Wanted(lock, app.host)
    this.#polling = setInterval(() => {
      if (wanted.poll()) this.#end(handedOver)
    }, pollMs)
    if (app.stop.aborted) this.#stopped()
    else app.stop.addEventListener("abort", this.#stopped)
  }

  /** Nothing more is begun. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  /** We are asked to stop, and do once no program is cut off. */
  get asked(): AbortSignal {
    return this.#asked.signal
  }

  /** What is under way is broken off. */
  get forceStop(): AbortSignal {
    return this.#forceStop.signal
  }

  readonly onStep = (): void => {
    if (this.#asked.signal.aborted && !this.#isHeld()) this.#end(this.#asked.signal.reason)
  }

  /** The session that works on the environment from here on. */
  follow(session: Session): Session {
    this.#session = session
    setLastWords(this.#name, () => standing(session))
    return session
  }

  #isHeld(): boolean {
    return this.#session !== undefined && cutOff(this.#session).length > 0
  }

  #ask(): void {
    if (this.#asked.signal.aborted) return
    this.#asked.abort(this.#app.stop.reason)
    if (this.#session === undefined || !this.#isHeld()) return this.#end(this.#app.stop.reason)
    const cut = cutOff(this.#session)
    this.#say(
      "stop",
      `stopping after ${namesOf(this.#session, cut)}: left now, ${leftNow(this.#session)} (${endsAtOnce})`,
    )
  }

  #end(reason: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#asked.abort(reason)
    this.#stop.abort(reason)
    this.#callOff = countDown(forceStopMs, () => this.#forceStop.abort())
  }

  /** The lock is about to be released: says what is left cut off, and what ends that. */
  release(): void {
    clearInterval(this.#polling)
    this.#callOff()
    this.#app.stop.removeEventListener("abort", this.#stopped)
    // A run that only wrote a line leaves what an earlier act has left as it stands.
    if (this.#session === undefined) return
    const left = standing(this.#session)
    setLastWords(this.#name, left.cutOff ? () => left : undefined)
    if (!left.cutOff) return
    const isHandedOver = this.#stop.signal.reason === handedOver
    for (const { line, goesOn } of cutOffLines(this.#session))
      this.#say("cut off", `${line}; ${isHandedOver ? untilHandedOver : goesOn}`)
  }

  #say(step: string, message: string): void {
    const say = this.#app.notice ?? this.#app.onProgress
    say(this.#name, step, message)
  }
}
