import type { App } from "../app/app.ts"
import { findExposed } from "../incident/exposed.ts"
import { unlisted, unlistedRemedy } from "../core/unlisted.ts"
import type { Terminal } from "./command.ts"
import { openInput } from "./input.ts"
import type { Selection } from "./selection.ts"

/** `beyond`: what stands in the text, too, and is not in the config any more. */
export type Narrowed = { readonly chosen: Selection; readonly beyond: readonly string[] }

/**
 * The secrets of `selected` of which a version stands in the text; says which, and in which form.
 */
export async function narrowToExposed(
  terminal: Terminal,
  app: App,
  selected: Selection,
  { file, urgent }: { readonly file: string; readonly urgent: boolean },
): Promise<Narrowed> {
  // Opened before any value is.
  const hint = "name one file, or pipe them: cat FILE… | mycelium rotate-now --exposed-in -"
  const text = await openInput({
    file,
    stop: terminal.stop,
    unchanged: "; nothing was rotated",
    hint,
  })
  const { found, tooShort } = await findExposed(app, [...selected.keys()], text, { urgent })
  for (const { environment, secret, version, stage, form } of found)
    terminal.stderr(
      `exposed   ${environment}/${secret}  ${version} (${stage}) stands in the text, ${form}`,
    )
  for (const one of tooShort)
    terminal.stderr(`exposed   ${one} is too short to be looked for: judge it yourself`)
  const chosen = new Map<string, string[]>()
  const beyond = new Set<string>()
  for (const { environment, secret } of found) {
    const allowed = selected.get(environment)
    const exists = app.config.environments[environment]?.secrets[secret] !== undefined
    if (!exists) beyond.add(`${environment}/${secret}`)
    if (!exists || (allowed !== undefined && !allowed.includes(secret))) continue
    const names = chosen.get(environment) ?? []
    chosen.set(environment, names.includes(secret) ? names : [...names, secret])
  }
  for (const place of beyond)
    terminal.stderr(
      `NOT changed  ${place}: ${unlisted.message}: ${unlistedRemedy(place, undefined)}`,
    )
  if (found.length === 0)
    terminal.stderr(
      "that text holds no value that Mycelium ever made or took over; nothing was changed",
    )
  return { chosen, beyond: [...beyond] }
}
