import type { Began, RunLocation } from "../base/processes/run-location.ts"
import { type OpenSets, openSets } from "./change-set.ts"

/**
 * Where a program was begun that no journal tells of; `again`: the beginning of the marks of
 * restarts beside the journals.
 */
export type Acting = RunLocation & { readonly again?: string }

/**
 * The random part of the marks of programs at services: durable before the first begins, known only
 * to those who can read the state (or were given it by such a program). No program of it is older
 * than `since`, by that clock.
 */
export type RunMark = Began & { readonly id: string }

/**
 * The mark that programs of this run carry. `earlier`: one that an earlier run has begun may still
 * live, and is no older than `since`.
 */
export type RunInHand = RunMark & { readonly earlier?: { readonly since: number } }

/**
 * Goes on with the mark that the state names; else a new one, by `newId`. `over`: nothing of an
 * earlier run lives, by a person's word.
 */
export function runInHand(
  document: OpenSets & {
    readonly id: string
    readonly run?: RunMark
    readonly acting?: Acting
  },
  began: Began,
  { newId, over = false }: { readonly newId: () => string; readonly over?: boolean },
): RunInHand {
  const mayLive =
    document.acting !== undefined || openSets(document).some(({ ranIn }) => ranIn !== undefined)
  if (over || (document.run === undefined && !mayLive)) return { ...began, id: newId() }
  // A state that an older release has written: its marks end with the beginning of the state's id.
  const { id, clock, since } = document.run ?? { id: document.id.slice(0, 8), clock: "", since: 0 }
  const oldest = clock === began.clock ? since : 0
  return { id, clock: began.clock, since: oldest, earlier: { since: oldest } }
}
