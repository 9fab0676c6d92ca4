import { isEntry } from "../core/entry.ts"
import type {
  Draft,
  Former,
  IssuedVersions,
  Output,
  OutputWait,
  Ready,
  Trial,
  Values,
} from "../core/ports.ts"
import { inTime } from "./in-time.ts"
import { land } from "./land.ts"

/** How long (ms) each file system, or manager, may take. */
type DraftWait = OutputWait & { readonly withinMs?: number }

/**
 * Drafts every output, read back as its reader would; every draft, or none and a throw. Managers
 * are asked side by side. `trial`: to be discarded, so `before` is not asked for.
 */
export async function draftAll(
  outputs: readonly Output[],
  values: Values,
  issued: IssuedVersions,
  { withinMs, managerMs, turn, ...trial }: Trial & DraftWait = { trial: false },
): Promise<readonly Ready[]> {
  const ready = new Map<Output, Ready>()
  const draftOne = async (output: Output): Promise<void> => {
    const ms = withinMs ?? (isEntry(output) ? managerMs : undefined)
    const before =
      trial.trial || isEntry(output)
        ? undefined
        : await inTime({ output, ms, turn, act: (signal) => output.read(signal) })
    const draft = await inTime({
      output,
      ms,
      turn,
      act: (signal) => output.prepare(values, issued, signal, trial),
      late: (one) => one.discard(),
    })
    ready.set(output, { output, before: before ?? draft.before?.bytes, draft })
  }
  const entries = outputs.filter((output) => isEntry(output))
  const asked = Promise.allSettled(entries.map((output) => draftOne(output)))
  try {
    for (const output of outputs) if (!isEntry(output)) await draftOne(output)
    for (const one of await asked) if (one.status === "rejected") throw one.reason
    return outputs.flatMap((output) => ready.get(output) ?? [])
  } catch (error) {
    await asked
    for (const one of ready.values()) await one.draft.discard()
    throw error
  }
}

/**
 * Drafts an output's former bytes, to be put back. If it was edited since (its bytes are
 * neither the former ones nor those that we wrote), their edit stays and only our values go back.
 */
export async function restoreOne(
  output: Output,
  former: Former & OutputWait,
  values: Values,
  issued: IssuedVersions,
): Promise<Draft> {
  const { turn, managerMs } = former
  const ms = isEntry(output) ? managerMs : undefined
  const now = await inTime({ output, ms, turn, act: (signal) => output.read(signal) })
  const same =
    now !== undefined && former.before !== undefined && Buffer.from(now).equals(former.before)
  const ours = now === undefined || same || former.fingerprint(now) === former.after
  const again = issued.mayStillLand?.(output.target) === true
  return inTime({
    output,
    ms,
    turn,
    act: (signal) =>
      ours
        ? output.restore(former.before, signal, { again })
        : output.prepare(values, issued, signal),
    late: (draft) => draft.discard(),
  })
}

/** What a rotation needs of outputs. */
export const delivery = {
  draft: draftAll,
  restore: restoreOne,
  land,
  ask: <T>(
    output: Output,
    act: (signal: AbortSignal) => Promise<T>,
    { turn, managerMs }: OutputWait,
  ): Promise<T> => inTime({ output, turn, act, ms: isEntry(output) ? managerMs : undefined }),
}
