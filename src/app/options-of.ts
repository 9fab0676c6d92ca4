import { AppError } from "../base/error.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import type { App } from "./app.ts"

/** What today's config says of an environment. */
export function optionsOf(app: App, name: string): EnvironmentConfig {
  const found = app.config.environments[name]
  if (found === undefined)
    throw new AppError("usage", `there is no environment ${name} in the config`, {
      hint: `it has: ${Object.keys(app.config.environments).join(", ")}`,
    })
  return found
}
