import { AppError, describeError } from "../../../base/error.ts"
import type { Entry, EntryWrite, Landed, Seen, TokenOf } from "../../../core/entry.ts"
import type { Draft, Values } from "../../../core/ports.ts"
import { redact } from "../../../core/redact.ts"
import { Secret } from "../../../core/secret.ts"
import type { Showing } from "../variables/variable.ts"

/** What stands there, and what shall. */
export type Plan = {
  readonly seen: Seen | undefined
  readonly bytes: Uint8Array
  /** Names of keys that change. */
  readonly changes: readonly string[]
}

/** Others may write between each of our looks and the write that follows. */
const mostTries = 3

type How = {
  /** Written even if it stands there already. */
  readonly again: boolean
  readonly signal: AbortSignal
  /** What is hidden in what the manager says. */
  readonly values?: Values
}

/** Reads and judges anew each time: what became of an answer that was lost, a look alone tells. */
export type Planner = (signal: AbortSignal) => Promise<Plan>

export async function draftOf(
  { entry, shown }: { readonly entry: Entry; readonly shown: Showing },
  plan: Planner,
  { again, signal, values = {} }: How,
): Promise<Draft> {
  const first = await plan(signal)
  const { seen, bytes, changes } = first
  const write = new Write(entry, plan, { again, hide: hider(shown, values) })
  return {
    changed: again || !same(seen?.bytes, bytes),
    bytes,
    changes,
    ...(seen === undefined ? {} : { before: seen }),
    ...(entry.stage === undefined
      ? {}
      : {
          stage: (token, ends) =>
            entry.stage?.({ bytes, over: seen?.mark, token }, ends) ?? Promise.resolve(),
        }),
    commit: (tokenOf = noToken, ends = signal) => write.begin(first, tokenOf, ends),
    settle: (tokenOf, ends) => write.end(tokenOf, ends),
    discard: () => Promise.resolve(),
  }
}

function same(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return Buffer.from(one ?? []).equals(other)
}

function noToken(): string {
  throw new AppError("internal", "a write of an entry needs its token")
}

/** What a manager says is shown to people: without a value, whatever it quotes. */
function hider(shown: Showing, values: Values): (text: string) => string {
  const secrets = Object.values(values).flatMap(({ fields, previous = {} }) =>
    [...Object.values(fields), ...Object.values(previous)].filter((one) => one instanceof Secret),
  )
  return (text) => `${shown.target}: ${redact(text, secrets).replace(/\p{Cc}+/gu, " ")}`
}

/** A write as a compare-and-swap that ends in one of three answers, and what ends the third. */
class Write {
  readonly #entry: Entry
  readonly #plan: Planner
  readonly #hide: (text: string) => string
  /** What stands there must be written by us once: something older may still land. */
  #owesWrite: boolean
  /** Over this mark one of our writes may still land. */
  #under: { readonly mark: string | undefined } | undefined
  /** What was sent last. */
  #sent: EntryWrite | undefined

  constructor(
    entry: Entry,
    plan: Planner,
    options: { readonly again: boolean; readonly hide: (text: string) => string },
  ) {
    this.#entry = entry
    this.#plan = plan
    this.#owesWrite = options.again
    this.#hide = options.hide
  }

  begin(plan: Plan, tokenOf: TokenOf, signal: AbortSignal): Promise<Landed> {
    return this.#go(plan, tokenOf, signal)
  }

  /** After `unknown`: looks first, since it may have landed. */
  async end(tokenOf: TokenOf, signal: AbortSignal): Promise<Landed> {
    const found = await this.#find(signal)
    if (found !== undefined && found.is !== "refused") return found
    const plan = await this.#look(signal)
    return "is" in plan ? plan : this.#go(plan, tokenOf, signal)
  }

  async #go(first: Plan, tokenOf: TokenOf, signal: AbortSignal): Promise<Landed> {
    let plan = first
    for (let tries = 0; tries < mostTries; tries++) {
      const stands = this.#stands(plan)
      if (stands !== undefined) return { is: "done", mark: stands }
      const over = plan.seen?.mark
      if (signal.aborted) return { is: "unknown", reason: this.#hide("not waited for any longer") }
      const write = { bytes: plan.bytes, over, token: tokenOf(plan.bytes) }
      const landed = await this.#send(write, signal)
      if (landed.is === "unknown") this.#under = { mark: over }
      if (landed.is !== "refused") return landed
      const next = await this.#look(signal)
      if ("is" in next) return next.is === "unknown" ? landed : next
      // Nothing was written in between: the manager says no to the write itself.
      if (next.seen?.mark === over) return landed
      // What is staged is another content than that: it is planned, and staged, anew.
      if (this.#entry.stage !== undefined && !same(next.bytes, first.bytes)) return landed
      plan = next
    }
    return { is: "refused", reason: this.#hide("others write there again and again") }
  }

  /** The mark under which the content stands so that nothing older can land. */
  #stands({ seen, bytes }: Plan): string | undefined {
    if (seen === undefined || !same(seen.bytes, bytes)) return undefined
    const moved = this.#under !== undefined && this.#under.mark !== seen.mark
    return moved || (!this.#owesWrite && this.#under === undefined) ? seen.mark : undefined
  }

  #send(write: EntryWrite, signal: AbortSignal): Promise<Landed> {
    this.#sent = write
    return this.#ask(() => this.#entry.write(write, signal))
  }

  /** Of a manager that compares nothing: its history tells what became of what was sent last. */
  #find(signal: AbortSignal): Promise<Landed | undefined> {
    const sent = this.#sent
    return this.#ask(async () => (sent === undefined ? sent : this.#entry.find?.(sent, signal)))
  }

  async #ask<Answer extends Landed | undefined>(
    act: () => Promise<Answer>,
  ): Promise<Answer | Landed> {
    try {
      const landed = await act()
      return landed === undefined || landed.is === "done"
        ? landed
        : { ...landed, reason: this.#hide(landed.reason) }
    } catch (error) {
      return { is: "unknown", reason: this.#hide(describeError(error).message) }
    }
  }

  /** What stands there is no longer ours to replace: refused. It cannot be seen: unknown. */
  async #look(signal: AbortSignal): Promise<Plan | Landed> {
    try {
      return await this.#plan(signal)
    } catch (error) {
      const { code, message } = describeError(error)
      const is = code === "output-drift" || code === "output-unreadable" ? "refused" : "unknown"
      return { is, reason: this.#hide(message) }
    }
  }
}
