import type { Patch, SecretState, StateDocument } from "./state.ts"

/**
 * Programs that did not get healthy with a value that became current all the same: noted with each
 * secret that they read, until they are found healthy; pure.
 */

export type UnhealthyDeployment = {
  readonly name: string
  readonly why: string
  /** It may run on with what it has read before. */
  readonly notRestarted?: true
}

type Note = NonNullable<SecretState["unhealthy"]>

export function inWords(found: readonly UnhealthyDeployment[]): string {
  return found.map(({ name, why }) => `${name} ${saying}${why}`).join(separator)
}
const saying = "did not get healthy: "
const separator = "; "

/** Of all that the secret's programs were asked, this is the answer. */
export function noteUnhealthy(found: readonly UnhealthyDeployment[], now: Date): Patch {
  return ({ unhealthy, ...state }) =>
    found.length === 0
      ? state
      : {
          ...state,
          unhealthy: {
            since: unhealthy?.since ?? now.toISOString(),
            deployments: found.map(({ name }) => name),
            message: inWords(found),
          },
        }
}

/** Beside those that are noted already. */
export function addUnhealthy(found: readonly UnhealthyDeployment[], now: Date): Patch {
  return (state) => {
    if (found.length === 0) return state
    const { unhealthy } = state
    const others = notesOf(unhealthy).filter(({ name }) => !found.some((one) => one.name === name))
    const message = [...others.map((one) => one.message), inWords(found)].join(separator)
    const deployments = [...others, ...found].map(({ name }) => name)
    const since = unhealthy?.since ?? now.toISOString()
    return { ...state, unhealthy: { since, deployments, message } }
  }
}

/** These programs were found healthy, or are in the config no more. */
export function withoutUnhealthy(names: readonly string[]): Patch {
  return (state) => {
    const { unhealthy, ...rest } = state
    if (unhealthy?.deployments.some((name) => names.includes(name)) !== true) return state
    const left = notesOf(unhealthy).filter(({ name }) => !names.includes(name))
    if (left.length === 0) return rest
    return {
      ...rest,
      unhealthy: {
        since: unhealthy.since,
        deployments: left.map(({ name }) => name),
        message: left.map(({ message }) => message).join(separator),
      },
    }
  }
}

/**
 * These programs were found healthy: with whichever secret that was not so, it is noted no more.
 */
export function noteHealthy(
  { secrets }: Pick<StateDocument, "secrets">,
  names: readonly string[],
): Readonly<Record<string, Patch>> {
  const noted = Object.entries(secrets).filter(([, { unhealthy }]) =>
    unhealthy?.deployments.some((name) => names.includes(name)),
  )
  return Object.fromEntries(noted.map(([secret]) => [secret, withoutUnhealthy(names)]))
}

/**
 * By program, the part of the message that is about it: `inWords` has joined them, and a reason may
 * hold the separator itself.
 */
function notesOf(
  note: Note | undefined,
): readonly { readonly name: string; readonly message: string }[] {
  if (note === undefined) return []
  const { deployments, message } = note
  const starts = deployments.map((name) => ({ name, at: startOf(message, name) }))
  return starts.map(({ name, at }) => {
    if (at === -1) return { name, message: `${name} did not get healthy` }
    const next = Math.min(
      ...starts.filter((one) => one.at > at).map((one) => one.at - separator.length),
      message.length,
    )
    return { name, message: message.slice(at, next) }
  })
}

function startOf(message: string, name: string): number {
  const text = `${name} ${saying}`
  if (message.startsWith(text)) return 0
  const at = message.indexOf(`${separator}${text}`)
  return at === -1 ? -1 : at + separator.length
}
