import { isEntry } from "../core/entry.ts"
import type { Output } from "../core/ports.ts"
import { inTime } from "./in-time.ts"

/**
 * The output with a deadline, and a signal that aborts, for each of its calls, by any caller. A
 * draft of files is bounded where it is made (`draftAll`): one that comes late must be thrown away.
 */
export function bounded(output: Output, turn?: AbortSignal): Output {
  const ask = <T>(act: (signal: AbortSignal) => Promise<T>, own?: AbortSignal): Promise<T> =>
    inTime({
      output,
      turn,
      act: (signal) => act(own === undefined ? signal : AbortSignal.any([own, signal])),
    })
  const { others, mark, drop, remove } = output
  const looks: Output = {
    ...output,
    read: (own) => ask((signal) => output.read(signal), own),
    compare: (values, own) => ask((signal) => output.compare(values, signal), own),
    adopt: (secrets, own) => ask((signal) => output.adopt(secrets, signal), own),
    ...(others === undefined ? {} : { others: () => ask(() => others.call(output)) }),
  }
  if (!isEntry(output)) return looks
  return {
    ...looks,
    prepare: (values, issued, own, options) =>
      ask((signal) => output.prepare(values, issued, signal, options), own),
    restore: (before, own, options) =>
      ask((signal) => output.restore(before, signal, options), own),
    ...(mark === undefined
      ? {}
      : { mark: (own) => ask((signal) => mark.call(output, signal), own) }),
    ...(drop === undefined
      ? {}
      : { drop: (token, own) => ask((signal) => drop.call(output, token, signal), own) }),
    ...(remove === undefined
      ? {}
      : {
          remove: (secrets, issued, own) =>
            ask((signal) => remove.call(output, secrets, issued, signal), own),
        }),
  }
}
