import type { Config } from "../../config/model.ts"
import { isListed } from "./fault.ts"
import type { NotContained, Line, SecretReport } from "./model.ts"

type Carrying = {
  readonly config: Config
  readonly left: readonly NotContained[]
  readonly lines: readonly Line[]
  readonly secrets: readonly SecretReport[]
}

/** More names than this are said as their environment. */
const wordsMost = 8

/**
 * An environment as a whole only where all of it was chosen: nothing more than that may be
 * contained. Undefined where it is not known what was chosen.
 */
export function carryOn(
  incident: string,
  { config, left, lines, secrets }: Carrying,
): readonly string[] | undefined {
  // What the config does not have any more is no word that the command takes.
  const known = left.filter(
    ({ some, environment, secret }) =>
      some === undefined &&
      config.environments[environment] !== undefined &&
      (secret === undefined || isListed(config, environment, secret)) &&
      !secrets.some(
        (one) =>
          one.erased !== undefined && one.environment === environment && one.secret === secret,
      ),
  )
  if (known.length === 0) return undefined
  const words = [...new Set(known.map(({ environment }) => environment))].flatMap((environment) => {
    const own = known.filter((one) => one.environment === environment)
    const all = Object.keys(config.environments[environment]?.secrets ?? {})
    const whole =
      own.some(({ secret }) => secret === undefined) ||
      (own.length > wordsMost &&
        all.every((name) =>
          secrets.some((one) => one.environment === environment && one.secret === name),
        ))
    return whole ? [environment] : own.map(({ secret = "" }) => `${environment}/${secret}`)
  })
  const cut = lines.some((line) => line.event === "contain" && line["revokeFirst"] === true)
  return [
    "rotate-now",
    ...words,
    "--contain",
    ...(cut ? ["--revoke-first"] : []),
    "--incident",
    incident,
  ]
}
