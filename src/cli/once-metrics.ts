import { resolve } from "node:path"
import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import { durableWrite } from "../base/files/durable-write.ts"
import { describeError } from "../base/error.ts"
import { Observer } from "../metrics/observer.ts"
import { readState } from "../record/state-file.ts"
import { exitCodes } from "./exit-codes.ts"
import type { Say } from "./service-log.ts"
import { versionOfBinary } from "./version-of-binary.ts"

/** The metrics of a run that ends by itself, for the textfile collector of node_exporter. */
export class MetricsFile {
  readonly #app: App
  readonly #path: string
  readonly #observer: Observer

  constructor(app: App, { path, cwd }: { readonly path: string; readonly cwd: string }) {
    this.#app = app
    this.#path = resolve(cwd, path)
    this.#observer = new Observer(app, { version: versionOfBinary, isService: false })
  }

  /** These events are told to `watch`, too. */
  beside(watch: ServiceEvents): ServiceEvents {
    const { turned, failed } = this.#observer.events
    return {
      ...watch,
      turned: (environment, turn) => {
        watch.turned(environment, turn)
        turned(environment, turn)
      },
      failed: (environment, code, message) => {
        watch.failed(environment, code, message)
        failed(environment, code, message)
      },
    }
  }

  /** Replaced as a whole: a scrape sees the former text or this one. Returns the exit code. */
  async write(say: Say, code: number): Promise<number> {
    await this.#seeAll()
    let text = ""
    for await (const piece of this.#observer.text()) text += piece
    try {
      await durableWrite(this.#path, text, { mode: 0o644 })
      return code
    } catch (error) {
      const { code: why, message } = describeError(error)
      say("error", "metrics not written", { file: this.#path, code: why, message })
      return code === exitCodes.done ? exitCodes.failed : code
    }
  }

  async #seeAll(): Promise<void> {
    const { store, project, environments } = this.#app.config
    const { standing, round } = this.#observer.events
    for (const environment of Object.keys(environments)) {
      // What cannot be read was told as the failure of its run.
      const document = await readState({ store, project, environment }).catch(() => null)
      if (document !== null) standing(environment, document)
    }
    round(undefined, [])
  }
}
