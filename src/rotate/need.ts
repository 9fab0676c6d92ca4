import { deploymentsOf } from "./readers.ts"
import type { Session } from "./session.ts"
import type { Strategy } from "./strategy.ts"
import type { Need } from "./work.ts"

/** Of a new version, and of the lines that tell of it, as they lie in the state (bytes). */
const versionBytes = 3072
/** Of what each restart leaves in the state and its log, beside the names. */
const restartBytes = 1024
const nameBytes = 40
const restBytes = 4096

/**
 * What a rotation of `names` may have to write from its first value to the end of a way back that
 * begins at the very last step. `shown`: the bytes of the outputs that change, of which the state
 * keeps a sealed copy until the end.
 */
export function needOf(
  session: Session,
  names: readonly string[],
  {
    shown,
    leavesUnwritable = false,
  }: { readonly shown: readonly number[] } & Partial<Pick<Strategy, "leavesUnwritable">>,
): Need {
  const need = needFor({
    secrets: names.length,
    restarts: deploymentsOf(session, names).length,
    options: session.work.startedWith.length,
    shown,
  })
  // Outputs that turn out not to be writable are noted, each time before anything is done without
  // them.
  return leavesUnwritable ? { ...need, writes: need.writes + 2 } : need
}

/** By counts. `options`: the length of the environment's, as JSON. */
export function needFor({
  secrets,
  restarts,
  options,
  shown,
}: {
  readonly secrets: number
  readonly restarts: number
  readonly options: number
  readonly shown: readonly number[]
}): Need {
  const copies = shown.reduce((sum, bytes) => sum + Math.ceil(bytes * 1.5) + restBytes / 2, 0)
  const grows =
    secrets * versionBytes +
    restarts * 2 * (restartBytes + Math.min(secrets, 200) * nameBytes) +
    Math.ceil(options * 1.5) +
    copies +
    restBytes
  // Generate, what must be known before an output changes (written ahead, and taken back), the
  // turn, the end, the revoke; between them the restarts, forward and back.
  return { grows, writes: 6 + 2 * restarts }
}

/**
 * What a journal that is open may still have to write at once: each write frees the room of the one
 * before.
 */
export function needToResume(session: Session): Need {
  return { ...needOf(session, session.changeSet?.secrets ?? [], { shown: [] }), writes: 2 }
}
