import type { EnvironmentConfig } from "../config/model.ts"
import type { App } from "./app.ts"

/** What each secret rotates, in its driver's words: "postgresql://db:5432 role shop". */
export function loginsOf(
  plugins: App["plugins"],
  { secrets }: Pick<EnvironmentConfig, "secrets">,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.values(secrets).flatMap(({ name, driver, options }) => {
      const type = plugins.drivers.find((one) => one.type === driver)
      return type === undefined ? [] : [[name, type.logins(type.options.parse(options))]]
    }),
  )
}
