import { existsSync } from "node:fs"
import type { EnvironmentConfig } from "../config/model.ts"
import { statePath } from "../record/state-file.ts"
import type { App } from "./app.ts"

/**
 * For `delete`: an environment that the config does not have any more, and of which a state is
 * left. It has no secret, no output and no program then.
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
