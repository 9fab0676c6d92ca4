import { z } from "zod"
import { type ServerAddress, addressProblem, isLocal } from "./address.ts"
import { listenerKey, listenerProblem } from "./listener-option.ts"
import { insecureOption, tlsOptions } from "./tls-options.ts"

/**
 * What the config of every server driver says alike. Messages are one sentence each and never quote
 * what was given.
 */

/** Reads the text of an address, or throws why it cannot. */
export type Parse = (text: string) => ServerAddress

export function addressOption(parse: Parse, example: string) {
  return z.string({ error: `give an address: ${example}` }).superRefine((text, context) => {
    const problem = addressProblem(parse, text)
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
  })
}

/** How the server is reached, besides its address. `tls`: what the help says of TLS. */
export function wayKeys(tls: string) {
  return {
    tls: tlsOptions().optional().meta({ description: tls }),
    insecure: insecureOption(),
    listener: listenerKey(),
  }
}

/** What no single option can know: whether they fit together. */
export type Conflict = { readonly path: readonly (string | number)[]; readonly message: string }

/** Where a schema's `superRefine` says what it finds. */
export type Issues = {
  addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void
}

export function addConflicts(
  context: Issues,
  conflicts: Iterable<{ readonly path: string | Conflict["path"]; readonly message: string }>,
): void {
  for (const { path, message } of conflicts)
    context.addIssue({
      code: "custom",
      path: typeof path === "string" ? [path] : [...path],
      message: message,
    })
}

/** An address that is not understood has a problem of its own; that one is enough. */
export function understood<Address extends ServerAddress>(
  parse: (text: string) => Address,
  texts: readonly string[],
): readonly Address[] {
  return texts.filter((text) => addressProblem(parse, text) === undefined).map(parse)
}

type WrittenEndpoint = {
  readonly tls?: unknown
  readonly insecure?: boolean | undefined
  listener?: unknown
}

/** `isGuarded`: who listens can be looked at, at one address at least. */
export function* wayConflicts(
  { tls, insecure, listener }: WrittenEndpoint,
  isGuarded: boolean,
): Generator<Conflict> {
  const unguarded = listenerProblem(listener, isGuarded)
  if (unguarded !== undefined) yield { path: ["listener"], message: unguarded }
  if (insecure === true && tls !== undefined)
    yield { path: ["insecure"], message: "insecure and tls contradict each other: leave one out" }
}

/** In clear, at this machine: who listens can be looked at. */
export function isGuarded(address: ServerAddress, isEncrypted: boolean): boolean {
  return "socket" in address || (!isEncrypted && isLocal(address))
}
