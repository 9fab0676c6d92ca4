import { z } from "zod"
import { once } from "../../../core/once.ts"

/**
 * The user that must listen: a name, a uid, or "any". Made where it is asked for: that takes time,
 * and all configs load this module.
 */
export const listenerOption = once(() =>
  z
    .union(
      [z.string().regex(/^[A-Za-z_][\w.-]{0,63}\$?$/), z.number().int().min(0).max(4_294_967_294)],
      {
        error: "name the user that the server runs as (redis, or a uid), or any",
      },
    )
    .meta({ title: "user name, uid, or any" }),
)
export type ListenerOption = z.output<ReturnType<typeof listenerOption>>
/** Left out, the one who was seen when the value was adopted or proven. */
export const listenerKey = once(() =>
  listenerOption()
    .optional()
    .meta({
      description:
        "The user that must listen at the address, where that is of this machine and without TLS: " +
        "a name, a uid, or any; left out, the one who was seen when the value was adopted or " +
        "proven",
      examples: [999],
    }),
)

/** Why `listener` says nothing here; undefined where it does. */
export function listenerProblem(listener: unknown, guarded: boolean): string | undefined {
  return listener === undefined || guarded
    ? undefined
    : "listener is for a server of this machine that is reached without TLS: leave it out"
}
