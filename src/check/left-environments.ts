import type { Config, EnvironmentConfig } from "../config/model.ts"
import { type StateDocument } from "../core/state.ts"
import { openSetOf, openSets } from "../core/change-set.ts"
import { debtsOf, unlistedRemedy } from "../core/unlisted.ts"
import { readState } from "../record/state-file.ts"
import { stateNames } from "./files.ts"

/**
 * Environments that the config has no more, and in which a value is left. Nothing here reaches
 * their services, so what is owed there stays so until a person acts: anyone who looks tells of it.
 */
export type LeftEnvironment = {
  readonly name: string
  /** In words; none where nothing is owed. */
  readonly debts: readonly string[]
  readonly remedy: string
}

export async function leftEnvironments(config: Config): Promise<readonly LeftEnvironment[]> {
  const { store, project } = config
  const names = stateNames(config).filter((name) => config.environments[name] === undefined)
  const left = await Promise.all(
    names.map(async (environment): Promise<LeftEnvironment | undefined> => {
      const remedy = unlistedRemedy(environment, undefined)
      try {
        const found = await readState({ store, project, environment })
        if (found !== undefined && !isLeft(found)) return undefined
        const open = openSets(found)
        return {
          name: environment,
          debts: found === undefined ? [] : debtsIn(found),
          // What is not finished is not erased either.
          remedy:
            open.length === 0
              ? remedy
              : "put it back into the config, then mycelium run ends what is owed; " +
                "take it out once that is done",
        }
      } catch {
        return { name: environment, debts: [], remedy }
      }
    }),
  )
  return left.filter((one) => one !== undefined)
}

/** A secret that an environment of the config has no more, and of which something is owed. */
export type LeftSecret = {
  readonly secret: string
  readonly debts: readonly string[]
  readonly remedy: string
}

/** One in a rotation that is open ends with it. */
export function leftSecrets(
  environment: Pick<EnvironmentConfig, "name" | "secrets">,
  document: StateDocument | undefined,
): readonly LeftSecret[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) => {
    const isLeft =
      environment.secrets[secret] === undefined && openSetOf(document, secret) === undefined
    const debts = isLeft ? debtsOf(state) : []
    const remedy = unlistedRemedy(`${environment.name}/${secret}`, state.driver)
    return debts.length === 0 ? [] : [{ secret, debts, remedy }]
  })
}

/** One line for anyone who looks. */
export function sayLeftEnvironment({ name, debts }: LeftEnvironment): string {
  return `${name} has a state and is not in the config: ${debts.join("; ")}`
}

export function sayLeftSecret({ debts }: LeftSecret): string {
  return `not in the config: ${debts.join("; ")}`
}

function isLeft(document: StateDocument): boolean {
  return (
    openSets(document).length > 0 ||
    Object.values(document.secrets).some(
      (state) => state.versions.length > 0 || debtsOf(state).length > 0,
    )
  )
}

function debtsIn(document: StateDocument): readonly string[] {
  return [
    ...openSets(document).map(
      ({ secrets, direction }) =>
        `a rotation of ${secrets.join(", ")} is not finished (going ${direction === "back" ? "back" : "on"})`,
    ),
    ...Object.entries(document.secrets).flatMap(([secret, state]) =>
      debtsOf(state).map((debt) => `${secret}: ${debt}`),
    ),
  ]
}
