import { referenceOf, type OptionEntry, type ReferenceEntry } from "../../config/reference.ts"
import { exampleConfig, pages } from "../../manual/index.ts"
import { drivers } from "../../plugins/drivers/index.ts"
import { healths } from "../../plugins/healths/index.ts"
import { outputs } from "../../plugins/outputs/index.ts"
import { restarters } from "../../plugins/restarters/index.ts"
import type { Block } from "./blocks.ts"
import { parseMarkdown } from "./markdown.ts"
import { optionTerm, referencePage } from "./reference-page.ts"

/**
 * What `mycelium help` can print besides the commands: pages of the manual, and the reference that
 * is made from the schemas.
 */
export type Topic = {
  readonly name: string
  /** What the list of topics puts it under. */
  readonly group: string
  readonly summary: string
  readonly blocks: () => readonly Block[]
}

const reference = referenceOf({ drivers, outputs, restarters, healths })

/**
 * In the order of the list. Two may have one name: a restarter and a health check are both called
 * `command`.
 */
export const topics: readonly Topic[] = [
  ...pages.map(({ name, text }) => ({
    name,
    group: "manual",
    summary: /^# (.+)$/m.exec(text)?.[1] ?? "",
    blocks: () => parseMarkdown(text),
  })),
  ...reference.map((entry) => ({
    name: entry.name,
    group: groupOf(entry),
    summary: entry.summary,
    blocks: () => referencePage(entry, exampleConfig),
  })),
  {
    name: "example",
    group: "config keys",
    summary: "a config that shows every kind",
    blocks: () => [{ is: "code", lines: exampleConfig.trimEnd().split("\n") }],
  },
]

function groupOf({ is }: ReferenceEntry): string {
  if (is === "keys") return "config keys"
  return `${is}s`
}

/** Topics of this name; else one page of all options of this name. */
export function topicsNamed(name: string): readonly Topic[] {
  const found = topics.filter((one) => one.name === name)
  if (found.length > 0) return found
  const options = reference.flatMap((entry) =>
    entry.options.filter((option) => option.name === name).map((option) => ({ entry, option })),
  )
  if (options.length === 0) return []
  return [{ name, group: "options", summary: "", blocks: () => optionPage(name, options) }]
}

export function allNames(): readonly string[] {
  const options = reference.flatMap((entry) => entry.options.map((option) => option.name))
  return [...new Set([...topics.map(({ name }) => name), ...options])]
}

type Found = { readonly entry: ReferenceEntry; readonly option: OptionEntry }

/** What is said alike of several is said once. */
function optionPage(name: string, found: readonly Found[]): readonly Block[] {
  const byText = Map.groupBy(found, ({ option }) => JSON.stringify(option))
  return [
    { is: "heading", level: 1, text: name },
    ...[...byText.values()].flatMap((alike) => {
      const where = alike.map(({ entry }) => sayEntry(entry)).join(", ")
      const [first] = alike
      return first === undefined
        ? []
        : [{ is: "paragraph", text: `Of ${where}:` } as const, optionTerm(first.option)]
    }),
  ]
}

function sayEntry({ name, is }: ReferenceEntry): string {
  return is === "keys" ? `${name} keys` : `${is} ${name}`
}
