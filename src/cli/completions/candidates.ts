import { type Entry, type Option, type Options, commonOptions } from "../command.ts"

/** What may come next on a command line; pure, but for the names that it asks for. */

export type Candidate = { readonly word: string; readonly summary: string }

export type Names = {
  /** Of the config that the line means; none if it cannot be read. */
  readonly environments: () => Promise<
    readonly { readonly name: string; readonly secrets: readonly string[] }[]
  >
  readonly codes: () => Promise<readonly string[]>
  readonly topics: () => Promise<readonly Candidate[]>
  readonly shells: readonly string[]
}

/**
 * `words`: what follows the program's name, the last one as far as it was typed. No candidate: it is
 * the value of an option, or nothing fits.
 */
export async function candidatesFor(
  words: readonly string[],
  entries: readonly Entry[],
  names: Names,
): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? ""
  const before = words.slice(0, -1)
  const all = await allAfter(before, { typed, entries, names })
  return all.filter(({ word }) => word.startsWith(typed))
}

type Asked = {
  readonly typed: string
  readonly entries: readonly Entry[]
  readonly names: Names
}

async function allAfter(
  [name, ...given]: readonly string[],
  { typed, entries, names }: Asked,
): Promise<readonly Candidate[]> {
  if (name === undefined) return entries.map((one) => ({ word: one.name, summary: one.summary }))
  const entry = entries.find((one) => one.name === name)
  // What follows -- is the command line of another program.
  if (entry === undefined || given.includes("--")) return []
  const options: Options = { ...(await entry.load()).options, ...commonOptions }
  if (takesValue(options, given.at(-1))) return []
  return typed.startsWith("-") ? optionsLeft(options, given) : argumentsOf(entry, names)
}

function takesValue(options: Options, word: string | undefined): boolean {
  return word?.startsWith("--") === true && options[word.slice(2)]?.type === "string"
}

function optionsLeft(options: Options, given: readonly string[]): readonly Candidate[] {
  const isLeft = ([name, { multiple }]: readonly [string, Option]): boolean =>
    multiple === true || !given.includes(`--${name}`)
  return Object.entries(options)
    .filter(isLeft)
    .map(([name, { summary }]) => ({ word: `--${name}`, summary }))
}

/** By the words with which the table of commands shows its arguments. */
async function argumentsOf({ args }: Entry, names: Names): Promise<readonly Candidate[]> {
  if (args.includes("ENV")) return environmentsOf(args.includes("SECRET"), names)
  if (args.includes("CODE")) return plain(await names.codes())
  if (args.includes("TOPIC")) return names.topics()
  return args.includes("SHELL") ? plain(names.shells) : []
}

async function environmentsOf(withSecrets: boolean, names: Names): Promise<readonly Candidate[]> {
  const environments = await names.environments()
  return environments.flatMap(({ name, secrets }) => [
    { word: name, summary: "environment" },
    ...(withSecrets
      ? secrets.map((secret) => ({ word: `${name}/${secret}`, summary: "secret" }))
      : []),
  ])
}

function plain(words: readonly string[]): readonly Candidate[] {
  return words.map((word) => ({ word, summary: "" }))
}
