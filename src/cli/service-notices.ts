import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import type { Notifier } from "../notify/notifier.ts"
import { readState } from "../record/state-file.ts"
import type { Say } from "./service-log.ts"

/** What flaps within it is told once. */
const holdMs = 60_000

/** The notices of a service: nothing of it is loaded unless the config says who is told. */
export class Notices {
  readonly #say: Say
  #config = ""
  #notifier: Notifier | undefined
  #heard: Partial<ServiceEvents> = {}
  #ofOnce = false

  constructor(say: Say) {
    this.#say = say
  }

  /** At the start, and with another config. */
  async begin(app: App, kind: "once" | "service"): Promise<void> {
    const { notify } = app.config
    const config = JSON.stringify(app.config)
    if (config === this.#config) return
    this.#config = config
    await this.#notifier?.finish()
    this.#notifier = undefined
    this.#heard = {}
    if (notify.length === 0) return
    this.#ofOnce = kind === "once"
    const { notifierOf, heardBy } = await import("../notify/told-of.ts")
    this.#notifier = notifierOf(app, {
      holdMs: this.#ofOnce ? 0 : holdMs,
      onReceiver: (label, failure) => this.#tell(label, failure),
    })
    this.#heard = heardBy(this.#notifier, app)
  }

  /** What is owed is tried for some seconds more. */
  async end(app: App): Promise<void> {
    if (this.#notifier === undefined) return
    if (this.#ofOnce) {
      await this.#seeAll(app)
      this.#notifier.look()
      await this.#notifier.pingOnce()
    }
    await this.#notifier.finish()
  }

  /** No service reads the states for a run that ends by itself. */
  async #seeAll({ config }: App): Promise<void> {
    const { store, project } = config
    for (const environment of Object.keys(config.environments)) {
      // What cannot be read was told as the failure of its turn.
      const document = await readState({ store, project, environment }).catch(() => null)
      if (document !== null) this.#heard.standing?.(environment, document)
    }
  }

  #tell(
    label: string,
    failure: Parameters<ConstructorParameters<typeof Notifier>[0]["onReceiver"]>[1],
  ): void {
    if (failure === undefined)
      return this.#say("info", "notices are taken again", { receiver: label })
    const { code, message } = failure
    this.#say("warning", "a notice is not taken", { receiver: label, code, message })
  }

  /** These events are told to `watch`, too. */
  beside(watch: ServiceEvents): ServiceEvents {
    return {
      ...watch,
      standing: (environment, document) => {
        watch.standing?.(environment, document)
        this.#heard.standing?.(environment, document)
      },
      turned: (environment, turn) => {
        watch.turned(environment, turn)
        this.#heard.turned?.(environment, turn)
      },
      failed: (environment, code, message) => {
        watch.failed(environment, code, message)
        this.#heard.failed?.(environment, code, message)
      },
      clock: (steady, code) => {
        watch.clock(steady, code)
        this.#heard.clock?.(steady, code)
      },
      round: (next, drifted) => {
        watch.round(next, drifted)
        this.#heard.round?.(next, drifted)
      },
    }
  }
}
