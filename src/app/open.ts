import { present } from "../base/present.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import { beganAt, ourLocation } from "../base/processes/run-location.ts"
import { ProgramNotes } from "../base/processes/program-notes.ts"
import { makeValue } from "../base/text/value-shape.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import type { MakeText } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { type StateDocument } from "../core/state.ts"
import { type RunInHand, runInHand } from "../core/run-mark.ts"
import { isEntry } from "../core/entry.ts"
import { bounded } from "../deliver/bounded.ts"
import { delivery } from "../deliver/delivery.ts"
import type { FileLedger } from "../record/ledger.ts"
import { AgeVault } from "../record/vault.ts"
import { isHealthy } from "../restart/is-healthy.ts"
import { restartDeployment } from "../restart/restart-deployment.ts"
import type { Work } from "../rotate/work.ts"
import type { App } from "./app.ts"
import { gatedOutput } from "./gated-output.ts"
import { originOf } from "./belongs.ts"
import { type DriverOpening, openDeployment, openDriver, openOutput } from "./open-plugins.ts"
import { unshownUser } from "./one-user.ts"
import { readersWouldFail } from "./slow-readers.ts"
import { timed } from "./timed.ts"
import { unshownSecret } from "./unshown.ts"

export type Opening = {
  /** Today's config, or a journal's. */
  readonly options: EnvironmentConfig
  readonly ledger: FileLedger
  /** The state's id, which program listened at which address, and what is open. */
  readonly document: Pick<
    StateDocument,
    "id" | "secrets" | "run" | "acting" | "changeSet" | "deferred"
  >
  /** One for all that an act opens; left out, it is what the document says. */
  readonly run?: RunInHand
  /** What a request to stop waits for. */
  readonly stops?: Pick<Work, "asked" | "onStep">
  /** It only writes, and starts no program: where it runs is not noted. */
  readonly startsNothing?: boolean
} & Pick<Work, "stop" | "forceStop">

/** Opens the plug-ins of one environment: config in, ports out. */
export function openWork(app: App, opening: Opening): Work {
  const { options, ledger, document, stop, forceStop, stops = {}, startsNothing = false } = opening
  const run = opening.run ?? chooseRun(app, document)
  return {
    environment: options.name,
    host: app.host,
    actor: app.actor,
    ...openDrivers(app, { environment: options, document, run }),
    ...policiesOf(options),
    outputs: outputsOf(app, options, forceStop),
    deployments: options.deployments.map((deployment) => openDeployment(app, options, deployment)),
    startedWith: JSON.stringify(options),
    origin: originOf(app, options),
    obstacles: obstaclesOf(app, options),
    text: makeText(app, options.name),
    newId: () => newId(app),
    vault: new AgeVault(app.keys, { project: app.config.project, environment: options.name }),
    ledger,
    delivery,
    restarts: timed(
      restartsOf(app, run, new ProgramNotes(ledger.hooksPath)),
      { restart: "restart" },
      app,
    ),
    onProgress: (step, message, secret) => app.onProgress(options.name, step, message, secret),
    stop,
    forceStop,
    ...present({ asked: stops.asked, onStep: stops.onStep }),
    location: startsNothing ? undefined : ourLocation(),
    run: startsNothing ? undefined : run,
  }
}

function outputsOf(app: App, options: EnvironmentConfig, forceStop: AbortSignal): Work["outputs"] {
  const gate = app.gate ?? new MountGate()
  return options.outputs.map((output) => {
    const opened = openOutput(app, options, output)
    return bounded(isEntry(opened) ? opened : gatedOutput(opened, output, gate), forceStop)
  })
}

function openDrivers(
  app: App,
  options: DriverOpening,
): Pick<Work, "drivers" | "listeners" | "serverOf" | "withServerSlot"> {
  const names = Object.keys(options.environment.secrets)
  const opened = new Map(names.map((name) => [name, openDriver(app, options, name)]))
  const serverOf = (name: string): string | undefined => opened.get(name)?.server
  return {
    drivers: Object.fromEntries(
      [...opened].map(([name, { driver }]) => [name, timed(driver, acts, app)]),
    ),
    listeners: Object.fromEntries([...opened].map(([name, { listeners }]) => [name, listeners])),
    serverOf,
    withServerSlot: (secret, act) => {
      const server = serverOf(secret)
      return server === undefined ? act() : app.turns.take(server, act)
    },
  }
}

const acts = { apply: "apply", probe: "login", revoke: "revoke", revokeOthers: "revoke" } as const

function policiesOf({ secrets }: EnvironmentConfig): Pick<Work, "kinds" | "policies"> {
  const all = Object.values(secrets)
  return {
    kinds: Object.fromEntries(all.map(({ name, driver }) => [name, driver])),
    policies: Object.fromEntries(
      all.map(({ name, graceMs, endSessions }) => [name, { graceMs, endSessions }]),
    ),
  }
}

function obstaclesOf(app: App, options: EnvironmentConfig): NonNullable<Work["obstacles"]> {
  return Object.fromEntries(
    Object.keys(options.secrets).flatMap((name) => {
      const found = [
        ...unshownSecret(app.plugins, options, name),
        ...unshownUser(app.plugins, options, name),
        ...readersWouldFail(app.plugins, options, name),
      ]
      return found.length === 0 ? [] : [[name, found]]
    }),
  )
}

function restartsOf({ host }: App, run: RunInHand, notes: ProgramNotes): Work["restarts"] {
  return {
    restart: async (deployment, mark, stop, first) => {
      const answer = await restartDeployment(deployment, mark, host, {
        signal: stop,
        // A person has said that nothing of an earlier run lives, or none has left anything.
        first,
        since: run.since,
        notes,
      })
      if (answer.ok) return true
      return answer.code === "unhealthy" ? answer.why : { notRestarted: answer.why }
    },
    left: (mark) => notes.left(mark),
    healthy: (deployment, stop) => isHealthy(deployment, host, stop),
  }
}

/** `over`: a person has said that no program of an earlier run still runs. */
export function chooseRun(
  app: App,
  document: Opening["document"],
  over: { readonly over?: boolean } = {},
): RunInHand {
  const began = beganAt() ?? { clock: "", since: 0 }
  return runInHand(document, began, { newId: () => newId(app), ...over })
}

function newId({ host }: App): string {
  return Buffer.from(host.random(6)).toString("hex")
}

function makeText(app: App, environment: string): MakeText {
  return (field, shape) =>
    new Secret(
      `${environment}/${field}`,
      makeValue(typeof shape === "number" ? { length: shape } : (shape ?? {}), app.host.random),
    )
}
