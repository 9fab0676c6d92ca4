import { statSync } from "node:fs"
import { type Log, auditHeads } from "./self-tests/audit-heads.ts"
import { type Result, runCheck } from "./self-tests/check.ts"
import { clock } from "./self-tests/clock.ts"
import { files } from "./self-tests/files.ts"
import { parents } from "./self-tests/parents.ts"
import { randomness } from "./self-tests/randomness.ts"
import { type Environment, type States, state } from "./self-tests/state.ts"
import { trust } from "./self-tests/trust.ts"
import type { Config } from "../config/model.ts"
import { trustOf } from "../config/trust.ts"
import { type StateDocument, isUndated } from "../core/state.ts"
import { heldBy, openSetOf, openSets } from "../core/change-set.ts"
import { rotationWaits } from "../core/held-up.ts"
import { present } from "../base/present.ts"
import { readSent } from "../record/sent-head.ts"
import { openStates, readState, statePath } from "../record/state-file.ts"
import { identityThere, olderStates, serviceCheck, storeCheck } from "./alarms.ts"
import { expectedFiles, guardedPaths } from "./files.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import type { Checked, How as CheckMode } from "./request.ts"
import { neededSilence, outputSilence } from "./silent.ts"
import { leftEnvironments } from "./left-environments.ts"
import { takenIn } from "./taken.ts"
import { isWorkedOn } from "./worked-on.ts"

/**
 * Can this machine be trusted with secrets, now? Changes nothing, but modes where `fix` says so.
 */
export async function check(asked: Checked, options: CheckMode): Promise<readonly Result[]> {
  const { gate = new MountGate() } = asked
  const unanswered = await neededSilence(asked.config, asked.host, gate)
  if (unanswered !== undefined) return [unanswered]
  const { silent, result } = await outputSilence(asked.config, gate)
  const found = await checkAnswering({ ...asked, gate, silent }, options)
  return result === undefined ? found : [result, ...found]
}

/** Of what answers a look. */
async function checkAnswering(checked: Checked, options: CheckMode): Promise<readonly Result[]> {
  const { config, host, me } = checked
  const expected = await expectedFiles(checked, host, me)
  // First, for what follows may be readable only then.
  const modes = await runCheck(files, { expected, fix: options.fix })
  const states = await withoutTaken(checked, await readStates(config))
  const { environments } = states
  const documents = environments.flatMap(({ document }) => document ?? [])
  const now = host.now()
  const accepted = new Set<string>()
  const strange = await leftEnvironments(config)
  const atWork = workedOn(config, documents)
  const judged: Judge = (more = {}) =>
    runCheck(state, { ...states, strange, now, atWork, accepted, ...more })
  const writable = storeCheck(checked, environments)
  const quick = [
    runCheck(randomness, { random: host.random, count: options.quick ? 100 : 1000 }),
    runCheck(clock, { documents, now }),
    ...(await headChecks(config, environments, now)),
  ]
  if (options.quick)
    return [modes, ...(await withoutKeys(checked, environments, { judged, now, quick, writable }))]
  const above = runCheck(parents, { guarded: await guardedPaths(checked, host), me })
  // What needs keys, the schedule or programs is loaded when it is needed.
  const { deepChecks, nextTries } = await import("./deep.ts")
  const deep = await Promise.all([
    above,
    ...(await deepChecks(checked, environments, options, accepted)),
  ])
  // Last: what is noted there may be past by what the services have just said.
  return [
    modes,
    await writable,
    // What outputs show is read below, as it is now.
    await serviceCheck(checked, []),
    await judged({ nextTry: nextTries(checked, environments) }),
    ...(await Promise.all(quick)),
    ...deep,
  ]
}

type Judge = (more?: Pick<States, "nextTry" | "late" | "older">) => Promise<Result>
type Begun = {
  readonly judged: Judge
  readonly now: Date
  /** Under way. */
  readonly quick: readonly Promise<Result>[]
  readonly writable: Promise<Result>
}

/** What a check says that opens no key. One that opens keys finds a missing identity by that. */
async function withoutKeys(
  checked: Checked,
  environments: readonly Environment[],
  { judged, now, quick, writable }: Begun,
): Promise<readonly Result[]> {
  const { config, me } = checked
  return [
    await identityThere(checked),
    await runCheck(trust, { inspect: () => trustOf(config, me) }),
    await writable,
    await serviceCheck(checked, environments, checked.silent),
    ...(await Promise.all([
      judged({
        late: await lateIn(config, environments, now),
        older: await olderStates(checked, environments),
      }),
      ...quick,
    ])),
  ]
}

/** None if the config names no place for the heads. */
async function headChecks(
  config: Config,
  environments: readonly Environment[],
  now: Date,
): Promise<readonly Promise<Result>[]> {
  if (config.audit.heads === undefined) return []
  return [runCheck(auditHeads, { logs: await logsOf(config, environments, now) })]
}

/** Looked up only where a rotation is open. */
function workedOn(config: Config, documents: readonly StateDocument[]): ReadonlySet<string> {
  const open = documents.filter((document) => openSets(document).length > 0)
  return new Set(
    open.map(({ environment }) => environment).filter((name) => isWorkedOn(config, name)),
  )
}

const dayMs = 86_400_000

/**
 * The library that reads schedules is loaded only where a secret is older than it may get, or may
 * be due sooner than by its age.
 */
async function lateIn(
  config: Config,
  environments: readonly Environment[],
  now: Date,
): Promise<NonNullable<States["late"]>> {
  const suspects = environments.flatMap(({ name, document }) =>
    Object.entries(document?.secrets ?? {}).flatMap(([secret, one]) => {
      const everyMs = config.environments[name]?.secrets[secret]?.rotateEveryMs
      const agedMs = now.getTime() - Date.parse(one.rotatedAt ?? "")
      return everyMs != null &&
        agedMs > dayMs &&
        (agedMs > everyMs + dayMs || one.weak === true || isUndated(one))
        ? [{ environment: name, secret, state: one, everyMs, held: heldByOther(document, secret) }]
        : []
    }),
  )
  if (suspects.length === 0) return []
  const { lateBy } = await import("../app/late-by.ts")
  return suspects.flatMap(({ environment, secret, state: one, everyMs, held }) => {
    const options = config.environments[environment]
    const lateMs = options === undefined ? 0 : lateBy(options, one, { everyMs, now })
    const waits = held && rotationWaits(held)
    return lateMs > dayMs
      ? [{ place: `${environment}/${secret}`, lateMs, ...present({ waits }) }]
      : []
  })
}

/** Of its own rotation another finding tells. */
function heldByOther(
  document: StateDocument | undefined,
  secret: string,
): ReturnType<typeof heldBy> {
  return openSetOf(document, secret) === undefined ? heldBy(document, secret) : undefined
}

/** The logs that have a line, and which of their heads have left. */
async function logsOf(
  { store, project }: Config,
  environments: readonly Environment[],
  now: Date,
): Promise<readonly Log[]> {
  const logs = environments.flatMap(({ name, document }) =>
    document === undefined || document.audit.count === 0 ? [] : [{ environment: name, document }],
  )
  return Promise.all(
    logs.map(async (log) => {
      const place = { store, project, environment: log.environment }
      return {
        ...log,
        quietMs: now.getTime() - statSync(statePath(place)).mtimeMs,
        sent: await readSent(place),
      }
    }),
  )
}

type Read = {
  readonly environments: readonly Environment[]
  readonly unreadable: readonly { readonly environment: string; readonly error: unknown }[]
}

/** What is another config's is told of, and not looked at further. */
async function withoutTaken(checked: Checked, { environments, unreadable }: Read): Promise<Read> {
  const judged = await Promise.all(
    environments.map(async (one) => ({ one, error: await takenIn(checked, one) })),
  )
  const taken = judged.flatMap(({ one, error }) =>
    error === undefined ? [] : [{ environment: one.name, error }],
  )
  return {
    environments: judged.flatMap(({ one, error }) => (error === undefined ? [one] : [])),
    unreadable: [...unreadable, ...taken],
  }
}

/** Without any key. Other than the engine, this goes on where one state cannot be read. */
async function readStates({ store, project, environments }: Config): Promise<Read> {
  const found: Environment[] = []
  const unreadable: { readonly environment: string; readonly error: unknown }[] = []
  // Why it cannot be opened is said of each environment.
  await using folder = await openStates({ store, project }).catch(() => undefined)
  await Promise.all(
    Object.entries(environments).map(async ([name, { secrets, deployments }]) => {
      try {
        found.push({
          name,
          document: await readState({ store, project, environment: name }, folder),
          secrets: Object.keys(secrets),
          drivers: Object.fromEntries(Object.values(secrets).map((one) => [one.name, one.driver])),
          deployments,
        })
      } catch (error) {
        unreadable.push({ environment: name, error })
      }
    }),
  )
  return { environments: found, unreadable }
}
