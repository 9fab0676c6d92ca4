import { AppError } from "../base/error.ts"
import { canShow, withoutValue } from "../core/can-show.ts"
import { isEntry } from "../core/entry.ts"
import type { Ready, Values } from "../core/ports.ts"
import { type Fingerprint, answerOf } from "../check/self-tests/shown-answer.ts"
import { holdsContained, openContainment } from "../core/open-containment.ts"
import { leftIn, versionsIn } from "../core/left.ts"
import { draftAll } from "../deliver/delivery.ts"
import { land, landAlone } from "../rotate/land.ts"
import { goneBefore } from "../rotate/left.ts"
import type { Patch } from "../core/state.ts"
import { owedIn, withRendered } from "../core/unwritten.ts"
import type { Session } from "../rotate/session.ts"
import { readersOf } from "../rotate/unwritten.ts"
import { noteWritten } from "../rotate/unwritten/note-written.ts"
import type { App } from "../app/app.ts"
import { withEnvironment } from "../app/environment.ts"

export type Rendered = {
  readonly target: string
  readonly changes: readonly string[] | undefined
  readonly pruned?: true
  readonly waits?: readonly string[]
  /** Programs that hold a value which no longer works, until they are restarted. */
  readonly restart?: readonly string[]
  /** Of them, those that read an older value there: this command has changed it. */
  readonly stale?: readonly string[]
}

type RenderOptions = { readonly prune: boolean }

/**
 * Writes the outputs again from the current values: all of them, or none. Restarts nothing.
 * `prune`: then takes away what the config has no more, and shows one of our values.
 */
export async function render(
  app: App,
  environment: string,
  options: RenderOptions = { prune: false },
): Promise<readonly Rendered[]> {
  return withEnvironment(app, environment, async ({ session }) => {
    if (session.changeSet !== undefined)
      throw new AppError(
        "journal-open",
        `${environment}: a rotation is not finished yet, so what the outputs should show is not known`,
        { hint: "see mycelium status" },
      )
    const values = await session.values(() => false)
    // An output that shows a secret without a value waits for its first one.
    const outputs = session.work.outputs.filter((output) => canShow(output, values))
    const ready = await draftAll(outputs, values, session.issued, {
      trial: false,
      turn: session.work.forceStop,
    }).catch((error: unknown) => Promise.reject(withSafeHint(session, error)))
    const stale = await staleReaders(session, ready)
    await writeChanged(session, ready, stale)
    const written = ready.map(({ output, draft }) => ({
      target: output.target,
      changes: draft.changed ? draft.changes : undefined,
      ...restartsOf(session, output.target, stale),
    }))
    const pruned = options.prune ? await prune(session) : []
    return [...written, ...pruned, ...waiting(session, values)]
  })
}

/** Those of the drafts that change something. */
async function writeChanged(
  session: Session,
  ready: readonly Ready[],
  stale: StaleReaders,
): Promise<void> {
  const changed = ready.filter(({ draft }) => draft.changed)
  const event = {
    event: "render",
    outputs: changed.map(({ output }) => output.target),
    secrets: [...new Set(changed.flatMap(({ output }) => output.shows))],
  }
  try {
    // Written down before a value can be read there.
    if (changed.length > 0)
      await session.commit({ patches: owePrograms(session, stale), events: [event], flush: true })
    for (const { output, draft } of changed) {
      const gone = goneBefore(session, output, draft)
      if (gone !== undefined) session.work.onProgress("render", gone)
      await landAlone(session, output, draft)
    }
  } finally {
    for (const { draft } of changed) await draft.discard()
  }
  await noteWritten(session, {
    targets: ready.map(({ output }) => output.target),
    written: session.writes(ready),
  })
}

function waiting(session: Session, values: Values): readonly Rendered[] {
  return session.work.outputs.flatMap((output): readonly Rendered[] => {
    const waits = withoutValue(output, values)
    return waits.length === 0 ? [] : [{ target: output.target, changes: undefined, waits }]
  })
}

/**
 * An output's own hint offers to empty what differs, so that the current value is written there. That
 * one may be the compromised one, or its service refuses it: then the file may hold the right one.
 */
function withSafeHint(session: Session, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== "output-drift") return error
  const place = session.work.environment
  const names = session.work.outputs
    .filter(({ target }) => error.message.includes(target))
    .flatMap(({ shows }) => shows)
    .filter((name) => {
      const state = session.state(name)
      return openContainment(state) !== undefined || state.drift !== undefined
    })
  if (names.length === 0) return error
  return new AppError(error.code, error.message, {
    remedy: error.remedy,
    hint:
      `do not write the state's value of ${names.join(", ")} over it: ` +
      "that one may be older, and in the wrong hands, or refused by its service; " +
      `if the file is right: mycelium adopt ${place}; then do what mycelium check says of ` +
      `${names.length === 1 ? "that secret" : "those secrets"}`,
  })
}

/** Who was not restarted since a containment could not write it, or since it showed an older value. */
function restartsOf(
  session: Session,
  target: string,
  stale: StaleReaders,
): Pick<Rendered, "restart" | "stale"> {
  const { programs } = owedIn(session.document)
  const readers = readersOf(session, [target])
  const restart = readers.filter((name) => programs.includes(name))
  const late = Object.values(stale).flat()
  const ours = restart.filter((name) => late.includes(name))
  return {
    ...(restart.length === 0 ? {} : { restart }),
    ...(ours.length === 0 ? {} : { stale: ours }),
  }
}

/** By secret: the programs that read an older value of it, in a file that is about to change. */
type StaleReaders = Readonly<Record<string, readonly string[]>>

/** A backup that was put back: its programs may have been restarted with it. */
async function staleReaders(session: Session, ready: readonly Ready[]): Promise<StaleReaders> {
  const all: Record<string, readonly string[]> = {}
  const print: Fingerprint = (value) => session.work.vault.fingerprint(Buffer.from(value))
  for (const { output, draft } of ready) {
    // How readers of an entry come to its values is their affair (`readers`).
    if (!draft.changed || isEntry(output)) continue
    const shown = await output.adopt(output.shows).catch(() => ({}))
    for (const [name, fields] of Object.entries(shown)) {
      const { kind } = answerOf(session.document, name, Object.entries(fields), print)
      if (kind === "older")
        all[name] = [...new Set([...(all[name] ?? []), ...readersOf(session, [output.target])])]
    }
  }
  return all
}

/** Their restart is owed from before the file is changed: then nothing else tells of them. */
function owePrograms(session: Session, stale: StaleReaders): Readonly<Record<string, Patch>> {
  const now = session.work.host.now()
  return Object.fromEntries(
    Object.entries(stale)
      .filter(([, programs]) => programs.length > 0)
      .map(([name, programs]) => [
        name,
        withRendered(programs, { now, lives: stillTakes(session, name) }),
      ]),
  )
}

/** What leaked is taken by the program itself, for no service refuses it. */
function stillTakes(session: Session, name: string): boolean {
  return session.work.drivers[name]?.overlap === "none" && holdsContained(session.state(name))
}

const never = new AbortController().signal

/**
 * Only where the whole of what stands there is a version that is sealed in the state:
 * nothing is lost with it.
 */
async function prune(session: Session): Promise<readonly Rendered[]> {
  const print = (value: string): string => session.work.vault.fingerprint(Buffer.from(value))
  const known = versionsIn(session.document)
  const all: Rendered[] = []
  for (const output of session.work.outputs) {
    const left = leftIn(known, (await output.others?.()) ?? {}, print).filter(({ whole }) => whole)
    if (left.length === 0 || output.prune === undefined) continue
    const isOurs = (value: string): boolean =>
      leftIn(known, { value }, print).some(({ whole }) => whole)
    const draft = await output.prune(
      left.map(({ name }) => name),
      isOurs,
      never,
    )
    try {
      await session.commit({
        events: [
          {
            event: "prune",
            outputs: [output.target],
            names: draft.changes,
            secrets: [...new Set(left.map(({ secret }) => secret))],
          },
        ],
        flush: true,
      })
      await land(session, output, draft)
    } finally {
      await draft.discard()
    }
    all.push({ target: output.target, changes: draft.changes, pruned: true })
  }
  return all
}
