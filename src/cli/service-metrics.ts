import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import type { describeError } from "../base/error.ts"
import { giveBackMemory } from "../base/system/memory.ts"
import type { Me } from "../check/self-tests/path-stat.ts"
import type { Endpoint } from "../metrics/endpoint.ts"
import type { Observer } from "../metrics/observer.ts"
import type { Say } from "./service-log.ts"
import { versionOfBinary } from "./version-of-binary.ts"

/** The metrics of a service: nothing of it is loaded unless the config says where to listen. */
export class Metrics {
  readonly #say: Say
  readonly #me: Me
  #observer: Observer | undefined
  #endpoint: Endpoint | undefined
  #listen = ""
  /** Each state has been read since the config came, and what that took is given back. */
  #isSettled = true

  constructor(say: Say, me: Me) {
    this.#say = say
    this.#me = me
  }

  /** At the start, and with another config. Returns what to open it with. */
  async begin(app: App): Promise<App> {
    const { listen } = app.config
    if (listen === undefined) {
      this.end()
      this.#observer = undefined
      return app
    }
    const observer = (this.#observer ??= await observerOf(app))
    observer.reload(app)
    this.#isSettled = false
    await this.#open(app, observer)
    return { ...app, onTook: (step, ms) => observer.took(step, ms) }
  }

  /** The config on the disk was refused. */
  notReloaded(): void {
    this.#observer?.notReloaded()
  }

  end(): void {
    this.#endpoint?.close()
    this.#endpoint = undefined
    this.#listen = ""
  }

  /** What listens goes on as long as its address is the same. */
  async #open(app: App, observer: Observer): Promise<void> {
    const { listen, ...rest } = app.config
    if (listen === undefined) return
    const text = JSON.stringify([listen, rest.store, rest.identity])
    // A new config is a good moment to try an address again that was taken.
    if (text === this.#listen) return this.#endpoint?.openAgain()
    this.end()
    this.#listen = text
    const { Endpoint } = await import("../metrics/endpoint.ts")
    this.#endpoint = new Endpoint(
      { app, me: this.#me, observer, onListen: (...told) => this.#tell(...told) },
      listen,
    )
    await this.#endpoint.open()
  }

  #tell(address: string, failure: ReturnType<typeof describeError> | undefined): void {
    if (failure === undefined) return this.#say("info", "listens", { address })
    const { code, message } = failure
    this.#say("error", "does not listen", { address, code, message })
  }

  /** These events are told to `watch`, too. */
  beside(watch: ServiceEvents): ServiceEvents {
    return {
      ...watch,
      standing: (environment, document) => {
        watch.standing?.(environment, document)
        this.#observer?.events.standing(environment, document)
      },
      turned: (environment, turn) => {
        watch.turned(environment, turn)
        this.#observer?.events.turned(environment, turn)
      },
      failed: (environment, code, message) => {
        watch.failed(environment, code, message)
        this.#observer?.events.failed(environment, code, message)
      },
      endedFirst: (environment, outcomes) => {
        watch.endedFirst?.(environment, outcomes)
        this.#observer?.events.endedFirst(environment, outcomes)
      },
      clock: (steady, code) => {
        watch.clock(steady, code)
        this.#observer?.events.clock(steady, code)
      },
      round: (next, drifted) => {
        watch.round(next, drifted)
        this.#observer?.events.round(next, drifted)
        this.#endpoint?.round(next, drifted)
        if (!this.#isSettled) this.#observer?.pack(giveBackMemory)
        this.#isSettled = true
      },
    }
  }
}

async function observerOf(app: App): Promise<Observer> {
  const { Observer } = await import("../metrics/observer.ts")
  return new Observer(app, { version: versionOfBinary, isService: true })
}
