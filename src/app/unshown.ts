import type { EnvironmentConfig } from "../config/model.ts"
import type { Finding } from "../core/ports.ts"
import type { App } from "./app.ts"

/**
 * A secret that a service asks for, and that no output shows: no program can learn a new value, so
 * each that logs in with the old one is refused once that is dead. An error, unless the config says
 * that it is meant.
 */
export function unshownSecret(
  plugins: App["plugins"],
  { secrets, outputs }: Pick<EnvironmentConfig, "secrets" | "outputs">,
  name: string,
): readonly Finding[] {
  const secret = secrets[name]
  const type = plugins.drivers.find((one) => one.type === secret?.driver)
  if (secret === undefined || type === undefined || secret.unshown === true) return []
  // A program of the operator may pass the value on.
  if (type.type === "exec" || outputs.some(({ shows }) => shows.includes(name))) return []
  const overlap = type.overlap(type.options.parse(secret.options))
  if (overlap === "none") return []
  const when = overlap === "one" ? "at once" : "after the grace"
  return [
    {
      code: "secret-unshown",
      severity: "error",
      message:
        `no output shows ${name}: no program can learn a new value, and each that logs in with ` +
        `the old one is refused ${when}`,
      remedy:
        `show it in an output: {{ ${name}.password }}; if no program logs in with it, ` +
        "say so at the secret: unshown: true",
    },
  ]
}
