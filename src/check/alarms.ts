import { clock } from "./self-tests/clock.ts"
import { type Result, findingOf, runCheck } from "./self-tests/check.ts"
import { identity } from "./self-tests/identity.ts"
import type { Environment } from "./self-tests/state.ts"
import { store } from "./self-tests/store.ts"
import type { Finding } from "../core/ports.ts"
import { environmentsWithLog } from "../record/audit-log.ts"
import { behindItsLog, isBeforeItsLog } from "../record/behind.ts"
import { missingIdentity } from "./identity.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import { offOutputs } from "./off-outputs.ts"
import type { Checked } from "./request.ts"
import { outputSilence } from "./silent.ts"
import { storeOf } from "./store.ts"
import { service } from "./self-tests/service.ts"
import { configDigest } from "../config/digest.ts"
import { runningService } from "../record/service-mark.ts"

/**
 * What keeps commands from acting as they should, on all of this store or on one environment; seen
 * without any key, in milliseconds. `status` and `check --quick` tell the same.
 */

export type AlarmsOf = Pick<Checked, "config" | "host" | "me" | "silent" | "gate">
type Read = Pick<Environment, "name" | "document">

export async function alarms(
  context: AlarmsOf,
  environments: readonly Read[],
): Promise<readonly Finding[]> {
  const documents = environments.flatMap(({ document }) => document ?? [])
  const { silent, result } = await outputSilence(context.config, context.gate ?? new MountGate())
  const results: readonly Result[] = await Promise.all([
    ...(result === undefined ? [] : [result]),
    identityThere(context),
    storeCheck({ ...context, silent }, environments),
    runCheck(clock, { documents, now: context.host.now() }),
    serviceCheck(context, environments, silent),
  ])
  return [
    ...results.flatMap(({ findings }) => findings),
    ...(await olderStates(context, environments)),
  ]
}

/** What is known of the service that runs. */
export async function serviceCheck(
  { config }: Pick<AlarmsOf, "config">,
  environments: readonly Read[],
  silent: ReadonlySet<string> = new Set(),
): Promise<Result> {
  const { store, project, file } = config
  const running = await runningService({ store, project, file })
  const isOlder = running !== undefined && running.digest !== configDigest(config)
  return runCheck(service, {
    older: isOlder ? running : undefined,
    offOutputs: await offOutputs(config, environments, silent),
  })
}

export function identityThere({ config, host, me }: AlarmsOf): Promise<Result> {
  return runCheck(identity, { missing: missingIdentity(config, host, me) })
}

export async function storeCheck(
  context: Omit<AlarmsOf, "host">,
  environments: readonly Read[],
): Promise<Result> {
  return runCheck(store, await storeOf(context, context.me, environments))
}

/** States that are older than their log, or gone. What cannot be read is told elsewhere. */
export async function olderStates(
  { config: { store: folder, project } }: Pick<AlarmsOf, "config">,
  environments: readonly Read[],
): Promise<readonly Finding[]> {
  // After the documents were read: a log that is younger than this look belongs to a younger state.
  const logs = environmentsWithLog({ store: folder, project })
  const suspects = environments.filter(
    ({ name, document }) => logs?.has(name) !== false || !isBeforeItsLog(document),
  )
  const found = await Promise.all(
    suspects.map(async ({ name, document }) => {
      const place = { store: folder, project, environment: name }
      const error = await behindItsLog(place, document, logs?.has(name)).catch(() => undefined)
      return error === undefined ? [] : [findingOf(error, name)]
    }),
  )
  return found.flat()
}
