import type { App } from "../app/app.ts"
import { opens, sealedIn } from "../core/seal.ts"
import { readSealedKeys } from "../record/keys.ts"
import { readState } from "../record/state-file.ts"
import { projectsIn, statesIn } from "./states-in.ts"

export type RekeyPlan = {
  readonly recipients: number
  readonly environments: Readonly<Record<string, { readonly values: number }>>
  /**
   * Values, and the store's keys, that the old identity opens now; 0 where there is none, or none
   * that is retired.
   */
  readonly forOld: number
  readonly others: readonly string[]
}

/** What `rekey` would seal anew; changes nothing, locks nothing. */
export async function planRekey(app: App): Promise<RekeyPlan> {
  const { config, keys } = app
  const { retired = [] } = keys
  const environments: Record<string, { readonly values: number }> = {}
  const sealed = [(await readSealedKeys(config.store)) ?? ""]
  for (const place of statesIn(config.store, config.project)) {
    const texts = sealedIn(await readState(place))
    environments[place.environment] = { values: texts.length }
    sealed.push(...texts)
  }
  let forOld = 0
  for (const text of retired.length === 0 ? [] : sealed) if (await opens(retired, text)) forOld++
  const others = projectsIn(config.store)
    .filter((name) => name !== config.project)
    .flatMap((project) =>
      statesIn(config.store, project).map(({ environment }) => `${project}/${environment}`),
    )
  return { recipients: keys.recipients.length, environments, forOld, others }
}
