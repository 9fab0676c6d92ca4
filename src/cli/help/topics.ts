import { referenceOf, type OptionEntry, type ReferenceEntry } from "../../config/reference.ts"
import { exampleConfig, pages } from "../../manual/index.ts"
import { drivers } from "../../plugins/drivers/index.ts"
import { healths } from "../../plugins/healths/index.ts"
import { outputs } from "../../plugins/outputs/index.ts"
import { restarters } from "../../plugins/restarters/index.ts"
import { exitMeanings } from "../exit-codes.ts"
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
    blocks: () => referencePage(entry, exampleConfig, besideOf(entry)),
  })),
  {
    name: "exit-codes",
    group: "manual",
    summary: "What each exit code means",
    blocks: exitCodePage,
  },
  {
    name: "example",
    group: "config keys",
    summary: "a config that shows every kind",
    blocks: () => [{ kind: "code", lines: exampleConfig.trimEnd().split("\n") }],
  },
]

/** Also at the end of the page `commands`: a person who has seen a number looks only for it. */
function exitCodePage(): readonly Block[] {
  return [
    { kind: "heading", level: 1, text: "Exit codes" },
    { kind: "table", head: ["exit code", "means"], rows: Object.entries(exitMeanings) },
    {
      kind: "paragraph",
      text:
        "A dry run ends with 0, with 1 if all that was asked for is blocked, and with 5 if a part of it " +
        "is. `status` and `plan` end with 0 whatever they show; to be told by an exit code, use `check`.",
    },
    {
      kind: "paragraph",
      text:
        "Each error also names a code in words, such as `in-grace`: `mycelium explain CODE` says what it " +
        "means and what to do.",
    },
  ]
}

/** A secret's keys stand beside its driver's, a deployment's beside its restarter's. */
const keysBeside: Readonly<Record<string, string>> = {
  driver: "secret",
  restarter: "deployment",
  "health check": "healthy",
}

function besideOf({ kind }: ReferenceEntry): ReferenceEntry | undefined {
  return reference.find((one) => one.kind === "keys" && one.name === keysBeside[kind])
}

function groupOf({ kind }: ReferenceEntry): string {
  if (kind === "keys") return "config keys"
  return `${kind}s`
}

/** What people call a topic that has another name here. */
const otherNames: Readonly<Record<string, string>> = {
  rotate: "rotate-now",
  contain: "incident",
  containment: "incident",
  leak: "incident",
  env: "dotenv",
  envfile: "dotenv",
  postgresql: "postgres",
  pg: "postgres",
  mysql: "mariadb",
  amqp: "rabbitmq",
  valkey: "redis",
  docker: "container",
  dockercompose: "compose",
  exitcode: "exit-codes",
  healthcheck: "healthy",
}

/**
 * The topic's own name for what was typed: case, blanks, dots, dashes and a plural make no
 * difference.
 * `known`: all names, of commands and codes too.
 */
export function meantBy(typed: string, known: readonly string[]): string {
  if (known.includes(typed)) return typed
  const bare = bareOf(typed)
  const found = [bare, `${bare}s`, bare.replace(/s$/, "")].flatMap((one) =>
    one === "" ? [] : known.filter((name) => bareOf(name) === one),
  )
  return otherNames[bare] ?? found[0] ?? typed
}

function bareOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")
}

/** Pages of the manual in which this text stands. */
export function pagesThatMention(text: string): readonly string[] {
  const word = text.toLowerCase()
  if (word.length < 3) return []
  return pages.filter((one) => one.text.toLowerCase().includes(word)).map(({ name }) => name)
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

/** Equal texts are printed once, with all that they belong to. */
function optionPage(name: string, found: readonly Found[]): readonly Block[] {
  const byText = Map.groupBy(found, ({ option }) => JSON.stringify(option))
  return [
    { kind: "heading", level: 1, text: name },
    ...[...byText.values()].flatMap((alike) => {
      const where = alike.map(({ entry }) => sayEntry(entry)).join(", ")
      const [first] = alike
      return first === undefined
        ? []
        : [{ kind: "paragraph", text: `Of ${where}:` } as const, optionTerm(first.option)]
    }),
  ]
}

function sayEntry({ name, kind }: ReferenceEntry): string {
  return kind === "keys" ? `${name} keys` : `${kind} ${name}`
}
