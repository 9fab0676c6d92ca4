import { isEntry } from "../../core/entry.ts"
import type { Patch, SecretState } from "../../core/state.ts"
import { changeUnwritten, withoutOutputs } from "../../core/unwritten.ts"
import type { Version } from "../../core/version.ts"
import { readersWithinMs, waitsForReaders } from "../entry-readers.ts"
import type { Session } from "../session.ts"
import type { Refusals } from "../unwritten.ts"

type Written = {
  readonly targets: readonly string[]
  readonly written: ReturnType<Session["writes"]>
  readonly failed?: Refusals
}

/**
 * These outputs show the current values now; why others still cannot be written. Writes nothing
 * where nothing is new.
 */
export async function noteWritten(
  session: Session,
  { targets, written, failed = {} }: Written,
): Promise<void> {
  const patches: Record<string, Patch> = {}
  for (const [name, { unwritten }] of Object.entries(session.document.secrets)) {
    if (unwritten === undefined) continue
    const change = changeUnwritten((owed) => ({
      ...withoutOutputs(targets)(owed),
      outputs: Object.fromEntries(
        Object.entries(owed.outputs).flatMap(([target, why]) =>
          targets.includes(target)
            ? []
            : [[target, failed[target]?.code === why.code ? why : (failed[target] ?? why)]],
        ),
      ),
    }))
    const patch: Patch = (state) => readersBegin(session, state, { name, targets })(change(state))
    if (JSON.stringify(patch(session.state(name))) !== JSON.stringify(session.state(name)))
      patches[name] = patch
  }
  const isNews = Object.entries(written).some(
    ([target, print]) => session.document.written?.[target] !== print,
  )
  if (Object.keys(patches).length > 0 || isNews) await session.commit({ patches, written })
}

/** Only now can readers of an entry that was owed read the former value again. */
function readersBegin(
  { work }: Session,
  { unwritten }: SecretState,
  { name, targets }: { readonly name: string; readonly targets: readonly string[] },
): Patch {
  const entries = work.outputs.filter(
    (output) =>
      isEntry(output) &&
      output.shows.includes(name) &&
      targets.includes(output.target) &&
      unwritten?.outputs[output.target] !== undefined,
  )
  if (entries.length === 0) return (state) => state
  const waits = waitsForReaders(entries, work.host.now())
  return (state) => ({
    ...state,
    versions: state.versions.map((version) =>
      version.stage.kind === "uncertain" && version.stage.notBefore !== undefined
        ? { ...version, stage: waits }
        : withGraceFrom(version, { now: work.host.now(), graceMs: readersWithinMs(entries) }),
    ),
  })
}

/** No shorter than readers may keep what they have read until now; an incident grants none. */
function withGraceFrom(
  version: Version,
  { now, graceMs }: { readonly now: Date; readonly graceMs: number },
): Version {
  const { stage } = version
  if (stage.kind !== "previous" || stage.revokeOthers === true) return version
  const end = new Date(now.getTime() + graceMs).toISOString()
  if (stage.revokeAt >= end) return version
  return { ...version, stage: { ...stage, since: now.toISOString(), revokeAt: end } }
}
