import type { Patch, SecretState, StateDocument, Unwritten } from "./state.ts"
import type { Refusal } from "./change-set.ts"

/** Outputs that an incident has left as they are; pure. */

/** What is still owed; undefined where nothing is. */
function owed(unwritten: Unwritten): Unwritten | undefined {
  return Object.keys(unwritten.outputs).length === 0 && unwritten.programs.length === 0
    ? undefined
    : unwritten
}

/** With `change` of what it owes, and without it where nothing is left. */
export function changeUnwritten(
  change: (unwritten: Unwritten) => Unwritten,
): (state: SecretState) => SecretState {
  return ({ unwritten, ...state }) => {
    const left = unwritten === undefined ? undefined : owed(change(unwritten))
    return left === undefined ? state : { ...state, unwritten: left }
  }
}

/** These outputs show the current values now. */
export function withoutOutputs(targets: readonly string[]): (unwritten: Unwritten) => Unwritten {
  return ({ outputs, ...rest }) => ({
    ...rest,
    outputs: Object.fromEntries(
      Object.entries(outputs).filter(([target]) => !targets.includes(target)),
    ),
  })
}

/** These programs were restarted, and every output that they read was written before. */
export function withoutPrograms(names: readonly string[]): (unwritten: Unwritten) => Unwritten {
  return ({ programs, gone = [], ...rest }) =>
    withGone(gone)({ ...rest, programs: programs.filter((name) => !names.includes(name)) })
}

/**
 * `render` has replaced an older value that these may have read; it restarts none. `lives`: they go on
 * taking it, and no health check tells that.
 */
export function withRendered(
  programs: readonly string[],
  { now, lives }: { readonly now: Date; readonly lives: boolean },
): Patch {
  const kind = lives ? ({ lives: true } as const) : ({ rendered: true } as const)
  return ({ unwritten, ...state }) => ({
    ...state,
    unwritten:
      unwritten === undefined
        ? { since: now.toISOString(), outputs: {}, programs, ...kind }
        : {
            ...unwritten,
            programs: [...new Set([...unwritten.programs, ...programs])],
            ...(lives ? kind : {}),
          },
  })
}

/** Programs that only `render` has left to be restarted. */
export function renderedOnly({ secrets }: Pick<StateDocument, "secrets">): ReadonlySet<string> {
  const all = Object.values(secrets).flatMap(({ unwritten }) => unwritten ?? [])
  const ofContainments = all.filter(({ rendered }) => rendered !== true)
  const others = new Set(ofContainments.flatMap(({ programs }) => programs))
  return new Set(all.flatMap(({ programs }) => programs).filter((name) => !others.has(name)))
}

/** The config has these no more: no run can restart them. It has all others. */
export function withGone(all: readonly string[]): (unwritten: Unwritten) => Unwritten {
  return ({ gone: _, ...rest }) => {
    const gone = rest.programs.filter((name) => all.includes(name))
    return gone.length === 0 ? rest : { ...rest, gone }
  }
}

/**
 * As the next run will note it, for those who look before that: programs that go on with an old
 * value, and that the config has no more. `deployments`: those that it has.
 */
export function seenGone<Document extends Pick<StateDocument, "secrets">>(
  document: Document,
  deployments: readonly { readonly name: string }[],
): Document {
  const entries = Object.entries(document.secrets)
  const living = entries.flatMap(([, { unwritten }]) =>
    unwritten?.lives === true ? unwritten.programs : [],
  )
  const gone = living.filter((name) => !deployments.some((one) => one.name === name))
  if (gone.length === 0) return document
  const mark = changeUnwritten(withGone(gone))
  const seen = entries.map(([secret, state]) => [secret, mark(state)] as const)
  return { ...document, secrets: Object.fromEntries(seen) }
}

/** Every output of an environment that is owed, and every program that was not restarted for it. */
export function owedIn(
  document: Pick<StateDocument, "secrets"> | undefined,
): Pick<Unwritten, "outputs" | "programs"> {
  const all = Object.values(document?.secrets ?? {}).flatMap(({ unwritten }) => unwritten ?? [])
  return {
    outputs: Object.assign({}, ...all.map(({ outputs }) => outputs)) as Record<string, Refusal>,
    programs: [...new Set(all.flatMap(({ programs }) => programs))],
  }
}

/** By secret, for those who look at a state. */
export type Owing = { readonly secret: string } & Unwritten
export function owingIn(document: StateDocument | undefined): readonly Owing[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, { unwritten }]) =>
    unwritten === undefined ? [] : [{ secret, ...unwritten }],
  )
}

/**
 * "/srv/shop/.env is not written since 2026-11-30 12:00 UTC (output-drift): api may hold a value
 * that no longer works".
 */
export function sayUnwritten(unwritten: Unwritten): string {
  const { gone = [] } = unwritten
  const said = sayOwed(unwritten)
  return gone.length === 0 ? said : `${said}; ${sayGone(gone)}`
}

function sayGone(names: readonly string[]): string {
  return (
    `${names.join(", ")} ${names.length === 1 ? "is" : "are"} not in the config, ` +
    `so no run can restart ${names.length === 1 ? "it" : "them"}`
  )
}

/** What ends that. */
export function endGone(environment: string, names: readonly string[]): string {
  const commands = names.map((name) => `mycelium reconcile ${environment} --gone ${name}`)
  return (
    `${sayGone(names)}: put ${names.length === 1 ? "it" : "them"} back into the config; ` +
    `or, once you have made sure that ${names.length === 1 ? "it does" : "they do"} not run any ` +
    `more: ${commands.join("; ")}`
  )
}

function sayOwed({ since, outputs, programs, lives }: Unwritten): string {
  const targets = Object.entries(outputs)
  const who = programs.join(", ")
  const holds =
    lives === true ? "may still take the old value" : "may hold a value that no longer works"
  if (targets.length === 0)
    return (
      `${who} ${programs.length === 1 ? "was" : "were"} not restarted since ${inWords(since)}, ` +
      `and ${holds}`
    )
  const files = targets.map(
    ([target, { code }]) => `${target} is not written since ${inWords(since)} (${code})`,
  )
  return `${files.join(", ")}${programs.length === 0 ? "" : `; ${who} ${holds}`}`
}

function inWords(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`
}
