import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { run } from "../base/processes/spawn.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { changedDriver, formerDriver } from "../core/changed-driver.ts"
import type { ManagerContext } from "../core/define.ts"
import { guard } from "../core/guard.ts"
import { Listeners } from "../core/listeners.ts"
import type { Deployment, Driver, Output } from "../core/ports.ts"
import type { RunInHand } from "../core/run-mark.ts"
import type { StateDocument } from "../core/state.ts"
import { readReference } from "../plugins/references/index.ts"
import type { App } from "./app.ts"
import { parsed } from "./parsed.ts"

/** One plug-in each: found by its type, opened with its options, guarded. */

export type DriverOpening = {
  readonly environment: EnvironmentConfig
  readonly document: Pick<StateDocument, "id" | "secrets">
  readonly run: RunInHand
}

/** `server`: its address, as one word; undefined if no service is asked. */
export function openDriver(
  app: App,
  { environment, document, run: ours }: DriverOpening,
  name: string,
): { readonly driver: Driver; readonly listeners: Listeners; readonly server: string | undefined } {
  const secret = environment.secrets[name]
  const type = app.plugins.drivers.find((one) => one.type === secret?.driver)
  if (secret === undefined || type === undefined)
    throw new AppError(
      "driver-unknown",
      `${environment.name}/${name}: this mycelium has no driver ${secret?.driver}`,
    )
  const label = `${environment.name}/${name}`
  const { folder } = environment
  const options = parsed(type.options, secret.options)
  const listeners = new Listeners(document.secrets[name]?.listeners)
  const was = formerDriver(document.secrets[name], secret.driver)
  if (was !== undefined) {
    const driver = changedDriver({ place: label, was, now: secret.driver })
    return { driver, listeners, server: undefined }
  }
  const driver = guard(
    type.open(options, {
      host: app.host,
      label,
      owner: document.id,
      run: ours,
      folder,
      listeners,
      activity: app.activity,
      credential: (reference) =>
        readReference(reference, {
          folder,
          env: app.host.env,
          run,
          label: `${label} admin`,
          host: app.host,
          activity: app.activity,
        }),
    }),
    label,
  )
  return { driver, listeners, server: type.server?.(options) }
}

export function openOutput(
  app: Pick<App, "plugins"> & Partial<Pick<App, "host" | "activity">>,
  environment: EnvironmentConfig,
  output: EnvironmentConfig["outputs"][number],
): Output {
  const type = app.plugins.outputs.find((one) => one.type === output.type)
  if (type === undefined)
    throw new AppError("output-unknown", `this mycelium has no output ${output.type}`)
  return guard(
    type.open(parsed(type.options, output.options), {
      folder: environment.folder,
      label: environment.name,
      ...present({ manager: managerContext(app, environment, output.target) }),
    }),
    output.target,
  )
}

function managerContext(
  { host, activity }: Partial<Pick<App, "host" | "activity">>,
  { folder }: EnvironmentConfig,
  label: string,
): ManagerContext | undefined {
  if (host === undefined) return undefined
  const at = { folder, env: host.env, run, label, host, ...present({ activity }) }
  return { host, ...present({ activity }), credential: (reference) => readReference(reference, at) }
}

export function openDeployment(
  app: Pick<App, "plugins" | "host">,
  environment: EnvironmentConfig,
  deployment: EnvironmentConfig["deployments"][number],
): Deployment {
  const context = { folder: environment.folder, label: environment.name, env: app.host.env }
  const { restarter, health } = deployment
  const restarterType = app.plugins.restarters.find((one) => one.type === restarter.type)
  if (restarterType === undefined)
    throw new AppError("restarter-unknown", `this mycelium has no restarter ${restarter.type}`)
  const healthType = app.plugins.healths.find((one) => one.type === health?.type)
  if (health !== undefined && healthType === undefined)
    throw new AppError("health-unknown", `this mycelium has no health check ${health.type}`)
  return {
    name: deployment.name,
    reads: deployment.reads,
    restarter: guard(
      restarterType.open(parsed(restarterType.options, restarter.options), context),
      deployment.name,
    ),
    ...(health === undefined || healthType === undefined
      ? {}
      : {
          health: guard(
            healthType.open(parsed(healthType.options, health.options), context),
            deployment.name,
          ),
          healthType: health.type,
        }),
    withinMs: health?.withinMs ?? 60_000,
    timeoutMs: deployment.timeoutMs,
  }
}
