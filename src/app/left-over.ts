import { existsSync } from "node:fs"
import type { EnvironmentConfig } from "../config/model.ts"
import { statePath } from "../record/state-file.ts"
import type { App } from "./app.ts"

/**
 * For `delete`: if the config has an environment no more, but its state is left, the app gets it
 * back, without a secret, an output or a program.
 */
export function withLeftOver(app: App, environment: string): App {
  const { config } = app
  if (
    config.environments[environment] !== undefined ||
    !/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(environment)
  )
    return app
  if (!existsSync(statePath({ store: config.store, project: config.project, environment })))
    return app
  const empty: EnvironmentConfig = {
    name: environment,
    project: config.project,
    folder: config.folder,
    timezone: "UTC",
    secrets: {},
    outputs: [],
    deployments: [],
  }
  return {
    ...app,
    config: { ...config, environments: { ...config.environments, [environment]: empty } },
  }
}
