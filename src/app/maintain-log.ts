import { AppError, describeError, systemCode } from "../base/error.ts"
import { present } from "../base/present.ts"
import { toJournal } from "../base/system/journald.ts"
import { runTrusted } from "../base/processes/run-trusted.ts"
import { failureOf } from "../base/processes/spawn.ts"
import { argvOf, hookEnvironment } from "../plugins/hook-argv.ts"
import { lineHash } from "../core/audit-line.ts"
import type { AuditTail } from "../core/state.ts"
import { auditPath, logBytes, readLogEnd, readTail } from "../record/audit-log.ts"
import { readLog } from "../record/audit-read.ts"
import { closeSegment, removeSegments, type Segment, segmentsOf } from "../record/audit-segments.ts"
import { shortened } from "../record/audit-verify.ts"
import { type Head, readSent, type Sent, writeSent } from "../record/sent-head.ts"
import type { StateKey } from "../record/state-file.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "./app.ts"

/**
 * After each act, under its lock: removes lines that are too old, sends the newest head off the
 * machine, closes a full part of the log. No rotation waits for it, and no act fails by it: a failure
 * is told, and the next act tries again.
 */
export async function maintainLog(
  app: App,
  place: StateKey,
  session: Session,
  options: { readonly serialBefore: number; readonly stop: AbortSignal },
): Promise<void> {
  const changed = session.document.serial > options.serialBefore
  const steps = [
    ...(changed && session.changeSet === undefined && !session.clockDoubted
      ? [() => removeOld(app, place, session)]
      : []),
    () => sendHead(app, place, session.document.audit, options.stop),
    ...(changed ? [() => closeFull(app, place)] : []),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      app.onProgress(
        place.environment,
        "audit",
        error instanceof AppError
          ? error.message
          : `${auditPath(place)} cannot be kept in order now: ` +
              `${systemCode(error) ?? "unknown error"}; the next act tries it again`,
      )
    }
  }
}

/** First a line says what will be missing, so that `audit verify` can tell this from a theft. */
async function removeOld({ config, host }: App, place: StateKey, session: Session): Promise<void> {
  const { keepMs } = config.audit
  if (keepMs === null) return
  const before = new Date(host.now().getTime() - keepMs).toISOString()
  const old: (Segment & { readonly head: string })[] = []
  for (const segment of await segmentsOf(place)) {
    const line = (await readTail(segment.path))?.line
    if (line === undefined || (JSON.parse(line) as { readonly at: string }).at >= before) break
    old.push({ ...segment, head: lineHash(line) })
  }
  if (old.length === 0) return
  const told = new Set<unknown>()
  for await (const { entry } of readLog(place))
    if (entry?.event === shortened) told.add(entry["through"])
  const events = old
    .filter(({ last }) => !told.has(last))
    .map(({ last, head }) => ({ event: shortened, through: last, head }))
  if (events.length > 0) await session.commit({ events, flush: true })
  await removeSegments(place, old)
}

/** `journalctl -t mycelium-audit` finds the heads. */
const identifier = "mycelium-audit"
/** No longer (ms) than a person would wait: the environment is locked meanwhile. */
const withinMs = 5000
const journalMs = 1000
/** A receiver that hangs is not waited for at every act. */
const againMs = 60_000

/** Sends the head of the log, unless it was sent already. */
export async function sendHead(
  app: App,
  place: StateKey,
  audit: AuditTail,
  stop: AbortSignal,
): Promise<void> {
  const { heads } = app.config.audit
  // Lines that are still in the state are not in the log yet: the next act sends their head. The same
  // goes if there is no time now.
  if (heads === undefined || audit.count === 0 || audit.lines.length > 0 || stop.aborted) return
  const head: Head = { n: audit.count, head: audit.head }
  const { last, failed } = await readSent(place)
  if (last?.n === head.n && last.head === head.head) return
  const now = app.host.now()
  if (
    failed !== undefined &&
    slow.has(failed.code) &&
    Math.abs(now.getTime() - Date.parse(failed.at)) < againMs
  )
    return
  await writeSent(place, await attempt(app, place, { head, last, stop }))
}

const slow = new Set(["program-timeout", "timeout"])

async function attempt(
  app: App,
  place: StateKey,
  {
    head,
    last,
    stop,
  }: { readonly head: Head; readonly last: Sent["last"]; readonly stop: AbortSignal },
): Promise<Sent> {
  const at = app.host.now().toISOString()
  try {
    await send(app, `${place.project}/${place.environment} ${head.n} ${head.head}`, stop)
    return { last: { ...head, at } }
  } catch (error) {
    const { code, message } = describeError(error)
    app.onProgress(
      place.environment,
      "audit",
      `the head of line ${head.n} has not left the machine: ${message} (audit-heads-undelivered)`,
    )
    return { ...present({ last }), failed: { at, code, message } }
  }
}

async function send({ config, host }: App, line: string, stop: AbortSignal): Promise<void> {
  const { heads } = config.audit
  if (heads === undefined) return
  if (heads === "journald") return toJournal(identifier, line, journalMs)
  const argv = argvOf(heads.command, config.folder)
  const env = hookEnvironment({ folder: config.folder, label: "audit", env: host.env })
  const failure = failureOf(
    "the command that takes the heads",
    await runTrusted(argv, {
      cwd: config.folder,
      env,
      stdin: `${line}\n`,
      timeoutMs: withinMs,
      graceMs: 500,
      signal: stop,
    }),
  )
  if (failure !== undefined) throw new AppError(failure.code, failure.message, { remedy: "retry" })
}

/** Not if a crash tore the last line: the next line closes that, in the same part. */
async function closeFull({ config }: App, place: StateKey): Promise<void> {
  if (logBytes(place) < config.audit.segmentBytes) return
  const end = await readLogEnd(place)
  if (end.bytes >= config.audit.segmentBytes && !end.torn && end.count > 0)
    await closeSegment(place, auditPath(place), end.count)
}
