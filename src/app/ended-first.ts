import type { Outcomes } from "../rotate/work.ts"
import type { App } from "./app.ts"

/**
 * The same app, and what it has ended by now before its own act: known even if that act throws. For
 * one environment.
 */
export function hearEndedFirst<Of extends App>(
  app: Of,
): { readonly app: Of; readonly ended: () => Outcomes } {
  let all: Outcomes = {}
  const onEndedFirst = (_: string, outcomes: Outcomes): void => {
    all = { ...all, ...outcomes }
  }
  return { app: { ...app, onEndedFirst }, ended: () => all }
}
