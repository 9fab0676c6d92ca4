import type { App } from "../app/app.ts"
import { type Exposed, type Exposure, findExposed } from "../incident/exposed.ts"
import { unlisted, unlistedRemedy } from "../core/unlisted.ts"
import type { Terminal } from "./command.ts"
import { openInput } from "./input.ts"
import type { Selection } from "./selection.ts"

/**
 * `beyond`: secrets whose values the text holds, too, but which have left the config; and those that
 * could not be looked for, and an age identity.
 */
export type Narrowed = { readonly chosen: Selection; readonly beyond: readonly string[] }

/** The secrets of `selected` of which the text holds a version; says which, and in which form. */
export async function narrowToExposed(
  terminal: Terminal,
  app: App,
  selected: Selection,
  { file, urgent }: { readonly file: string; readonly urgent: boolean },
): Promise<Narrowed> {
  const text = await openInput({
    file,
    stop: terminal.stop,
    unchanged: "; nothing was rotated",
    hint: "name one file, or pipe them: cat FILE… | mycelium rotate-now --exposed-in -",
  })
  const exposure = await findExposed(app, [...selected.keys()], text, { urgent })
  for (const line of foundLines(exposure)) terminal.stderr(line)
  const narrowed = narrow(app, selected, exposure.found)
  const blind = exposure.unknown.filter((place) => isSelected(selected, place))
  if (exposure.found.length === 0)
    terminal.stderr(
      "that text holds none of the versions that are kept, and nothing that an output shows now " +
        "(raw, URL-encoded, in JSON, base64, hex, a hex dump, UTF-16); nothing was changed. " +
        "Versions that have aged out could not be compared",
    )
  if (exposure.identity) terminal.stderr(identityLine)
  for (const place of blind)
    terminal.stderr(
      `NOT compared ${place}: it was never adopted, and no output shows its value: ` +
        `use --all, or name it: mycelium rotate-now ${place} --contain`,
    )
  for (const place of narrowed.beyond)
    terminal.stderr(
      `NOT changed  ${place}: ${unlisted.message}: ${unlistedRemedy(place, undefined)}`,
    )
  return {
    chosen: narrowed.chosen,
    beyond: [...narrowed.beyond, ...blind, ...(exposure.identity ? ["age identity"] : [])],
  }
}

const identityLine =
  "exposed   an age identity, or the beginning of one (AGE-SECRET-KEY-1), stands in the text: if it is " +
  "this machine's, run mycelium rekey --new-identity, then mycelium rotate-now --all --contain"

/** What stands in the text, and what a person has still to judge of it. */
function foundLines({ found, tooShort, others }: Exposure): readonly string[] {
  return [
    ...found.map(({ environment, secret, version, stage, form }) =>
      version === undefined
        ? `exposed   ${environment}/${secret}  what an output shows now stands in the text, ${form}`
        : `exposed   ${environment}/${secret}  ${version} (${stage}) stands in the text, ${form}`,
    ),
    ...tooShort.map((one) => `exposed   ${one} is too short to be looked for: judge it yourself`),
    ...deadOnly(found).map(
      (place) =>
        `exposed   ${place}  only values that are dead already stand in the text: ` +
        "its current one does not, and is rotated all the same",
    ),
    ...(others.length > 0 && found.length > 0
      ? [
          "also in that text, and not Mycelium's, so not rotated here: " +
            `${counted(others)}: change by hand what is secret of it`,
        ]
      : []),
  ]
}

/** Secrets of which the text holds no value that may be accepted. */
function deadOnly(found: readonly Exposed[]): readonly string[] {
  const places = Map.groupBy(found, ({ environment, secret }) => `${environment}/${secret}`)
  return [...places].flatMap(([place, all]) =>
    all.every(({ stage }) => stage === "retired") ? [place] : [],
  )
}

const namesMost = 20

function counted(names: readonly string[]): string {
  const more = names.length - namesMost
  return more > 0 ? `${names.slice(0, namesMost).join(", ")} and ${more} more` : names.join(", ")
}

function isSelected(selected: Selection, place: string): boolean {
  const [environment = "", secret = ""] = place.split("/")
  const names = selected.get(environment)
  return selected.has(environment) && (names === undefined || names.includes(secret))
}

function narrow(
  app: App,
  selected: Selection,
  found: readonly { readonly environment: string; readonly secret: string }[],
): Narrowed {
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
  return { chosen, beyond: [...beyond] }
}
