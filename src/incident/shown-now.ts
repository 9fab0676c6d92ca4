import type { App } from "../app/app.ts"
import { openOutput } from "../app/open-plugins.ts"
import { optionsOf } from "../app/options-of.ts"
import { tells } from "../app/tells.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import type { StateDocument } from "../core/state.ts"
import { bounded } from "../deliver/bounded.ts"

/** What the outputs show at this moment, whether Mycelium has ever taken it over or not. */
export type Shown = { readonly secret: string; readonly value: string }
export type ShownNow = {
  readonly shown: readonly Shown[]
  /** Never adopted, and no output says what its value is. */
  readonly unknown: readonly string[]
}

export async function shownNow(
  app: App,
  environment: string,
  document: StateDocument | undefined,
): Promise<ShownNow> {
  const options = optionsOf(app, environment)
  const shown = (
    await Promise.all(options.outputs.map((one) => valuesIn(app, options, one)))
  ).flat()
  const unknown = Object.keys(options.secrets).filter(
    (secret) =>
      (document?.secrets[secret]?.versions ?? []).length === 0 &&
      shown.every((one) => one.secret !== secret) &&
      mayHaveValue(app, options, secret),
  )
  return { shown, unknown }
}

/** An output that cannot be read says nothing. */
async function valuesIn(
  app: App,
  options: EnvironmentConfig,
  output: EnvironmentConfig["outputs"][number],
): Promise<readonly Shown[]> {
  try {
    const found = await bounded(openOutput(app, options, output), app.stop).adopt(output.shows)
    return Object.entries(found).flatMap(([secret, { password = "" }]) =>
      password === "" ? [] : [{ secret, value: password }],
    )
  } catch {
    return []
  }
}

/** A value that no service asks for is nowhere but in outputs, and in those that were read it is not. */
function mayHaveValue(app: App, options: EnvironmentConfig, name: string): boolean {
  const secret = options.secrets[name]
  const type = app.plugins.drivers.find((one) => one.type === secret?.driver)
  if (secret === undefined || type === undefined) return true
  return (
    type.overlap(type.options.parse(secret.options)) !== "none" ||
    options.outputs.some((one) => one.shows.includes(name) && !tells(one.options, name))
  )
}
