import { type Entry, type Group, commonOptions } from "../command.ts"
import { exitMeanings } from "../exit-codes.ts"
import type { Block } from "./blocks.ts"
import { columnsElse, toText } from "./text.ts"

/** The commands, by group. */
export function overview(groups: readonly Group[]): readonly Block[] {
  return [
    {
      kind: "paragraph",
      text:
        "Mycelium rotates database passwords and other secrets on one server: it changes them at the " +
        "service, updates the files that show them, restarts the programs that read them, and proves " +
        "that the old value is dead.",
    },
    ...groups.flatMap(({ title, commands }) => [
      heading(title),
      table(commands.map(({ name, args, summary }) => [`${name} ${args}`.trimEnd(), summary])),
    ]),
    heading("exit codes"),
    table(Object.entries(exitMeanings)),
    {
      kind: "paragraph",
      text:
        "`mycelium COMMAND --help` shows the options of a command; `mycelium help` lists the pages of " +
        "the manual.",
    },
  ]
}

export function linesOfOverview(
  groups: readonly Group[],
  columns = columnsElse,
): readonly string[] {
  return toText(overview(groups), columns)
}

export async function linesOfCommand(
  entry: Entry,
  columns = columnsElse,
): Promise<readonly string[]> {
  return toText(await commandPage(entry), columns)
}

export async function commandPage({ name, args, load }: Entry): Promise<readonly Block[]> {
  const { usage, options } = await load()
  const rows = Object.entries({ ...options, ...commonOptions }).map(
    ([option, { value, summary: message }]) => [
      `--${option}${value === undefined ? "" : ` ${value}`}`,
      message,
    ],
  )
  return [
    { kind: "heading", level: 1, text: `mycelium ${name} ${args}`.trimEnd() },
    ...usage.split("\n\n").map((text) => ({ kind: "paragraph", text }) as const),
    table(rows),
  ]
}

function heading(text: string): Block {
  return { kind: "heading", level: 2, text }
}

function table(rows: readonly (readonly string[])[]): Block {
  return { kind: "table", head: [], rows }
}
