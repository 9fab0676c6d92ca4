import { AppError } from "../../base/error.ts"
import { fileMarks } from "../../base/files/file-marks.ts"
import { MountGate } from "../../base/files/mount-gate.ts"
import { runCheck } from "../../check/self-tests/check.ts"
import { outputs as outputsTest } from "../../check/self-tests/outputs.ts"
import type { EnvironmentConfig, OutputConfig } from "../../config/model.ts"
import type { AuditEvent } from "../../core/audit-line.ts"
import { currentsOf } from "../../core/off-outputs.ts"
import type { Finding } from "../../core/ports.ts"
import type { OffOutput, StateDocument } from "../../core/state.ts"
import { bounded } from "../../deliver/bounded.ts"
import { behindItsLog } from "../../record/behind.ts"
import { loadUnlocked } from "../../record/ledger.ts"
import { type StateKey, readState, statePath } from "../../record/state-file.ts"
import { AgeVault } from "../../record/vault.ts"
import { Session } from "../../rotate/session.ts"
import type { App } from "../app.ts"
import { takenBy } from "../belongs.ts"
import { withLogMaintenance } from "../environment/leave.ts"
import { type Locked, withLock } from "../environment/lock.ts"
import { ledgerOf } from "../ledger-of.ts"
import { openWork } from "../open.ts"
import { openOutput } from "../open-plugins.ts"
import { optionsOf } from "../options-of.ts"
import { tells } from "../tells.ts"

/** What has changed since the last look; `off` left out: nothing is wrong any more. */
export type SeenOutput = {
  readonly target: string
  readonly off?: OffOutput
  /** The file was written to, and shows what it showed: that is known already. */
  readonly same?: true
}

export type OutputsLook = {
  /** Of the state and of the files that were looked at: as long as it stays, nothing is read. */
  readonly marks: string
  readonly changes: readonly SeenOutput[]
}

type Asked = { readonly before: string; readonly isSteady: () => boolean }

/**
 * Do the files show the current values? Only a change is written down, once; undefined: not now, for
 * the environment is worked on. An entry of a manager is not asked for.
 */
export async function lookAtOutputs(
  app: App,
  environment: string,
  { before, isSteady }: Asked,
): Promise<OutputsLook | undefined> {
  const options = optionsOf(app, environment)
  const place: StateKey = { store: app.config.store, project: app.config.project, environment }
  const files = await answering(app, options)
  const marks = await fileMarks([statePath(place), ...files.flatMap(pathsOf)])
  if (marks === before || files.length === 0) return { marks, changes: [] }
  const document = await loadUnlocked(ledgerOf(app, place), place, app)
  if (document.changeSet !== undefined || document.deferred !== undefined) return undefined
  // To note anything would make another config's state ours.
  if ((await takenBy(app, options, document)) !== undefined) return undefined
  const found = new Map<string, OffOutput>()
  for (const output of files) {
    const off = await judge(app, { options, place, document }, output)
    if (off !== undefined) found.set(output.target, off)
  }
  if (app.stop.aborted) return undefined
  const changes = changesIn(document, found)
  if (changes.length === 0) return { marks, changes }
  const { serial } = document
  return (await noteUnlessLocked(app, environment, { serial, isSteady, changes }))
    ? { marks, changes }
    : undefined
}

/**
 * The same for a command that has just acted: what is wrong now, noted for `status` and `check`.
 * Nothing if the environment is worked on, or cannot be looked at: the next look finds it.
 */
export async function noteOutputs(app: App, environment: string): Promise<readonly SeenOutput[]> {
  const asked = { before: "", isSteady: () => true }
  const found = await lookAtOutputs(app, environment, asked).catch(() => undefined)
  return found?.changes ?? []
}

/** A look at a file system that hangs would never end. */
async function answering(
  { gate = new MountGate() }: App,
  { outputs }: EnvironmentConfig,
): Promise<readonly OutputConfig[]> {
  const files = outputs.filter(({ entry }) => entry !== true)
  if (!gate.mayBeSilent) return files
  const asked = await Promise.all(
    files.map(async (output) => {
      const mounts = await Promise.all(pathsOf(output).map((path) => gate.silentMountOf(path)))
      return mounts.every((mount) => mount === undefined) ? [output] : []
    }),
  )
  return asked.flat()
}

function pathsOf({ target, files = [] }: OutputConfig): readonly string[] {
  return [target, ...files]
}

type Looked = {
  readonly options: EnvironmentConfig
  readonly place: StateKey
  readonly document: StateDocument
}

async function judge(
  app: App,
  looked: Looked,
  config: OutputConfig,
): Promise<OffOutput | undefined> {
  const { document } = looked
  // What a containment could not write is told as such.
  const isOwed = Object.values(document.secrets).some(
    ({ unwritten }) => unwritten?.outputs[config.target] !== undefined,
  )
  if (isOwed) return undefined
  const mark = await fileMarks(pathsOf(config))
  const wrong = await wrongAt(app, looked, config)
  const [first] = wrong
  if (first === undefined) return undefined
  return {
    since: app.host.now().toISOString(),
    mark,
    of: currentsOf(document, config.shows),
    code: first.code,
    message: wrong.map(({ message }) => message).join("; "),
    remedy: first.remedy ?? "",
  }
}

/** What the self-test of `check` finds at this output, as far as it keeps programs from its values. */
async function wrongAt(
  app: App,
  { options, place, document }: Looked,
  config: OutputConfig,
): Promise<readonly Finding[]> {
  const output = bounded(openOutput(app, options, config), app.stop)
  const vault = new AgeVault(app.keys, { project: place.project, environment: "" })
  const shown = {
    environment: options.name,
    output,
    tells: (secret: string) => tells(config.options, secret),
    document,
    reread: () => readState(place),
    isBehind: async () =>
      (await behindItsLog(place, document).catch(() => undefined)) !== undefined,
  }
  const { findings } = await runCheck(outputsTest, {
    shown: [shown],
    gone: [],
    fingerprint: (value) => vault.fingerprint(Buffer.from(value)),
  })
  return findings.filter(({ severity, code }) => severity === "error" || code === "output-edited")
}

/** What stands as it was noted is not told again. */
function changesIn(
  { offOutputs = {} }: StateDocument,
  found: ReadonlyMap<string, OffOutput>,
): readonly SeenOutput[] {
  const over = Object.keys(offOutputs).filter((target) => !found.has(target))
  return [
    ...over.map((target) => ({ target })),
    ...[...found].flatMap(([target, off]): readonly SeenOutput[] => {
      const known = offOutputs[target]
      if (known?.message !== off.message) return [{ target, off }]
      return known.mark === off.mark
        ? []
        : [{ target, off: { ...off, since: known.since }, same: true }]
    }),
  ]
}

type Noting = {
  readonly serial: number
  readonly isSteady: () => boolean
  readonly changes: readonly SeenOutput[]
}

/** False: not now, for a run is at work, or was meanwhile. */
async function noteUnlessLocked(app: App, environment: string, noting: Noting): Promise<boolean> {
  try {
    return await withLock(app, environment, (locked) => note(locked, noting))
  } catch (error) {
    if (error instanceof AppError && error.code === "locked") return false
    throw error
  }
}

async function note(locked: Locked, { serial, isSteady, changes }: Noting): Promise<boolean> {
  const { app, today, place, stops } = locked
  const ledger = ledgerOf(app, place)
  const document = await ledger.load()
  if (document.serial !== serial) return false
  const { stop, forceStop } = stops
  const options = { options: today, ledger, document, stop, forceStop, startsNothing: true }
  const session = new Session(openWork(app, options), document, { clockDoubted: !isSteady() })
  await withLogMaintenance(locked, { session, serial }, () =>
    session.commit({
      offOutputs: Object.fromEntries(changes.map(({ target, off = null }) => [target, off])),
      events: changes.filter(({ same }) => same !== true).map(eventOf),
      flush: true,
    }),
  )
  return true
}

function eventOf({ target, off }: SeenOutput): AuditEvent {
  return off === undefined
    ? { event: "output-right", outputs: [target] }
    : { event: "output-off", outputs: [target], code: off.code }
}
