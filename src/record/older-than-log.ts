import { AppError } from "../base/error.ts"
import { type StateKey, statePath } from "./state-file.ts"

/**
 * How far a state is behind its log; `lost`: there is none at all; `cut`: the log, or its end, is
 * gone, so nothing says how old the state is.
 */
export type Behind = {
  readonly serial: number
  readonly logSerial: number
  readonly lost: boolean
  readonly cut?: true
}

/** Why no command acts on it. */
export function olderThanLog(
  place: StateKey,
  { lost, cut }: Pick<Behind, "lost" | "cut">,
): AppError {
  const path = statePath(place)
  const asks =
    `mycelium reconcile ${place.environment} asks the services which value lives, ` +
    "and goes on from there"
  if (cut)
    return new AppError(
      "state-older",
      `nothing says whether ${path} is the newest state: lines of its audit log that it knows of are gone`,
      {
        hint:
          "the log was deleted or cut, or an older state was put back without it: " +
          `put the newest copies of both back; if there are none, ${asks}`,
      },
    )
  return new AppError(
    "state-older",
    lost
      ? `${path} is missing, but its audit log knows of it`
      : `${path} is older than its audit log`,
    {
      hint:
        "a backup was restored, or the file was lost: put the newest copy of the state back; " +
        `if there is none, ${asks}`,
    },
  )
}
