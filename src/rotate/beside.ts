import { AppError } from "../base/error.ts"
import type { Credential, Output, OutputWait, Ready, Trial, Values } from "../core/ports.ts"
import { type ChangeSet, isDeferrable } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { outputWaitOf } from "./output-wait.ts"
import type { Session } from "./session.ts"

/**
 * An output is written while it is unknown what the service of another secret in it takes, and that
 * one's rotation may have shown its new value there. It keeps what it shows of that one: whatever
 * that is, the rotation that is not finished has put it there in its order (the service first), and
 * it goes on from there. Neither the current value nor the new one is put in its place by guess.
 */
export function keptBeside(session: Session, going: readonly string[]): ReadonlySet<string> {
  const { changeSet, deferred = [] } = session.document
  const own = changeSet?.secrets.filter(
    (name) => !going.includes(name) && mayBeShown(session, changeSet, name),
  )
  const aside = deferred.filter((set) => !isDeferrable(set)).flatMap(({ secrets }) => secrets)
  return new Set([...(own ?? []), ...aside.filter((name) => !going.includes(name))])
}

/** May an output show the new value of this one, by what an earlier run has written down? */
export function mayBeShown(session: Session, set: ChangeSet, name: string): boolean {
  const stage = versionAt(session.state(name), "pending")?.stage
  return (
    set.before !== undefined && (set.ahead === true || (stage?.kind === "pending" && stage.proven))
  )
}

export type Beside = {
  readonly values: Values
  /** Of these each output keeps what it shows. */
  readonly keeps: ReadonlySet<string>
  readonly trial?: Trial
  /** Left out: that of the open change set. */
  readonly wait?: OutputWait
}

/** Every draft, or none and a throw. */
export async function draftBeside(
  session: Session,
  outputs: readonly Output[],
  beside: Beside,
): Promise<readonly Ready[]> {
  const { draft } = session.work.delivery
  if (beside.keeps.size === 0)
    return draft(outputs, beside.values, session.issued, draftOptions(session, beside))
  const ready: Ready[] = []
  try {
    for (const output of outputs) ready.push(...(await draftOne(session, output, beside)))
    return ready
  } catch (error) {
    for (const one of ready) await one.draft.discard()
    throw error
  }
}

function draftOptions(
  session: Session,
  { trial = { trial: false }, wait }: Beside,
): Trial & OutputWait {
  return { ...trial, ...(wait ?? outputWaitOf(session)) }
}

async function draftOne(
  session: Session,
  output: Output,
  beside: Beside,
): Promise<readonly Ready[]> {
  const { values, keeps } = beside
  const draft = (shown: Values): Promise<readonly Ready[]> =>
    session.work.delivery.draft([output], shown, session.issued, draftOptions(session, beside))
  const kept = output.shows.filter((name) => keeps.has(name))
  if (kept.length === 0) return draft(values)
  if (output.apart !== true) return draft(await shownNow(session, output, { values, kept }))
  try {
    // What stands there for a secret without a value stays.
    return await draft(without(values, kept))
  } catch (error) {
    // One text may show it beside another.
    const shown = await shownNow(session, output, { values, kept }).catch(() => undefined)
    if (shown === undefined) throw error
    return draft(shown)
  }
}

function without(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))
}

/** Two values each: more secrets than that are not told apart. */
const keptMost = 6

/** The values for a text that shows all of them: of `retired` those that it is made of at present. */
async function shownNow(
  session: Session,
  output: Output,
  { values, kept }: { readonly values: Values; readonly kept: readonly string[] },
): Promise<Values> {
  const ways = kept.length > keptMost ? [] : await waysToShow(session, kept)
  const former = await session.values(() => false)
  for (const rest of [former, values])
    for (const way of ways)
      if (await isSame(session, output, { ...rest, ...way })) return { ...values, ...way }
  throw new AppError(
    "output-undecided",
    `${output.target} shows ${kept.join(", ")} in one text with others, ` +
      `and what it shows of ${kept.length === 1 ? "it" : "them"} cannot be told while that ` +
      "rotation is not finished",
    { remedy: "retry", hint: "that rotation ends first: mycelium status says what keeps it" },
  )
}

async function isSame(session: Session, output: Output, values: Values): Promise<boolean> {
  const { delivery, stop } = session.work
  const asked = delivery.ask(
    output,
    (signal) => output.compare(values, AbortSignal.any([stop, signal])),
    outputWaitOf(session),
  )
  return asked.then(
    (answer) => answer === "same",
    () => false,
  )
}

/** Each of them with its current or its new value, every way. */
async function waysToShow(session: Session, names: readonly string[]): Promise<readonly Values[]> {
  let all: readonly Readonly<Record<string, Credential>>[] = [{}]
  for (const name of names) {
    const state = session.state(name)
    const versions = [versionAt(state, "pending"), versionAt(state, "current")].filter(
      (version) => version !== undefined,
    )
    const shown = await Promise.all(versions.map((version) => session.shown(name, version)))
    all = all.flatMap((way) => shown.map((one) => ({ ...way, [name]: one })))
  }
  return all
}
