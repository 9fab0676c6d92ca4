import type { App } from "../app/app.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import { troublesIn } from "../app/troubles-in.ts"
import type { describeError } from "../base/error.ts"
import type { Trouble } from "../plan/troubles.ts"
import { stateFolder } from "../record/state-file.ts"
import { NoticeFile } from "./ledger.ts"
import { Notifier } from "./notifier.ts"
import { pingsOf, receiversOf } from "./receiver.ts"

/** A notifier for a config, and what the service tells it. */

export type OnReceiver = (
  label: string,
  failure: ReturnType<typeof describeError> | undefined,
) => void
type Of = Pick<App, "config" | "host">

export function notifierOf(
  { config, host }: Of,
  { onReceiver, holdMs }: { readonly onReceiver: OnReceiver; readonly holdMs: number },
): Notifier {
  const reach = { folder: config.folder, host }
  return new Notifier({
    project: config.project,
    environments: Object.keys(config.environments),
    receivers: receiversOf(config.notify, reach),
    pings: pingsOf(config.notify, reach),
    host,
    newId: () => Buffer.from(host.random(9)).toString("base64url"),
    holdMs,
    file: new NoticeFile(stateFolder(config)),
    onReceiver,
  })
}

type Heard = Pick<ServiceEvents, "standing" | "turned" | "failed" | "clock" | "round">

/** What the service tells, as troubles of its environments. */
export function heardBy(notifier: Notifier, app: Of): Heard {
  const standing = new Map<string, readonly Trouble[]>()
  const turns = new Map<string, Trouble>()
  const see = (environment: string): void => {
    const turn = turns.get(environment)
    const known = standing.get(environment) ?? []
    notifier.see(environment, turn === undefined ? known : [...known, turn])
  }
  return {
    standing: (environment, document) => {
      standing.set(environment, troublesIn(app, environment, document))
      see(environment)
    },
    turned: (environment) => {
      if (turns.delete(environment)) see(environment)
    },
    failed: (environment, code, message) => {
      turns.set(environment, { kind: "failed", code, message })
      see(environment)
    },
    clock: (steady, code) =>
      notifier.see("", steady ? [] : [{ kind: "person", code, message: clockWords }]),
    round: () => {
      notifier.look()
      notifier.ready()
    },
  }
}

const clockWords =
  "the wall clock has leapt, or is before what a state knows of: nothing is due until it has " +
  "run true for ten minutes"
