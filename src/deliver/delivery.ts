import { answersWithinMs, inTime } from "./in-time.ts"
import type { Draft, Former, IssuedVersions, Output, Ready, Trial, Values } from "../core/ports.ts"

/** How long (ms) each file system may take. */
type Patience = { readonly withinMs?: number }

const never = new AbortController().signal

/**
 * Drafts every output, read back as its reader would; every draft, or none and a throw. `trial`: to
 * be discarded, so `before` is not asked for.
 */
export async function draftAll(
  outputs: readonly Output[],
  values: Values,
  issued: IssuedVersions,
  { withinMs: ms = answersWithinMs, ...how }: Trial & Patience = { trial: false },
): Promise<readonly Ready[]> {
  const ready: Ready[] = []
  try {
    for (const output of outputs) {
      const { target } = output
      const before = how.trial ? undefined : await inTime({ target, ms, act: () => output.read() })
      const draft = await inTime({
        target,
        ms,
        act: () => output.prepare(values, issued, never, how),
        late: (one) => one.discard(),
      })
      ready.push({ output, before, draft })
    }
    return ready
  } catch (error) {
    for (const one of ready) await one.draft.discard()
    throw error
  }
}

/**
 * Drafts an output's former bytes, to be put back. If someone has edited it since (its bytes are
 * neither the former ones nor those that we wrote), their edit stays and only our values go back.
 */
export async function restoreOne(
  output: Output,
  former: Former,
  values: Values,
  issued: IssuedVersions,
): Promise<Draft> {
  const { target } = output
  const now = await inTime({ target, ms: answersWithinMs, act: () => output.read() })
  const same =
    now !== undefined && former.before !== undefined && Buffer.from(now).equals(former.before)
  const ours = now === undefined || same || former.fingerprint(now) === former.after
  return inTime({
    target,
    ms: answersWithinMs,
    act: () =>
      ours ? output.restore(former.before, never) : output.prepare(values, issued, never),
    late: (draft) => draft.discard(),
  })
}
