import { AppError } from "../../base/error.ts"
import { nearest } from "../../config/nearest.ts"
import { type Command, type Terminal, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { allCodes, explanationOf } from "../explain/texts.ts"
import type { Block } from "../help/blocks.ts"
import { commandPage, overview } from "../help/overview.ts"
import { manPage } from "../help/man-page.ts"
import { columnsElse, toText } from "../help/text.ts"
import { allNames, topics, topicsNamed } from "../help/topics.ts"
import { commandNames, findCommand } from "../table.ts"

export const help: Command = {
  usage:
    "Prints a page of the manual, or what a command, a driver, an output, a restarter, a health check or a key of the config takes. Without a topic: the list of all.",
  options: {
    man: {
      type: "boolean",
      says: "all of it as a man page: mycelium help --man > /usr/local/share/man/man1/mycelium.1",
    },
  },
  run: async (terminal, [topic, more], values) => {
    if (more !== undefined)
      throw new AppError("usage", "name one topic", { hint: "mycelium help lists them" })
    if (isSet(values, "man")) terminal.out((await manPage()).join("\n"))
    else if (isSet(values, "json")) terminal.out(JSON.stringify(await asData(terminal, topic)))
    else terminal.out((await linesFor(terminal, topic)).join("\n"))
    return exitCodes.done
  },
}

async function asData(terminal: Terminal, topic: string | undefined): Promise<unknown> {
  if (topic !== undefined) return { topic, text: (await linesFor(terminal, topic)).join("\n") }
  return { topics: topics.map(({ name, group, summary }) => ({ name, group, summary })) }
}

async function linesFor(terminal: Terminal, topic: string | undefined): Promise<readonly string[]> {
  const columns = terminal.columns?.() ?? columnsElse
  if (topic === undefined) return toText([...overview(), ...topicList()], columns)
  const found = await pagesFor(topic)
  if (found.length === 0) throw unknown(topic)
  return found.flatMap((blocks, index) => [
    ...(index === 0 ? [] : [""]),
    ...toText(blocks, columns),
  ])
}

/** Everything of this name: the command, pages and plug-ins; else the code of an error. */
async function pagesFor(topic: string): Promise<readonly (readonly Block[])[]> {
  const command = findCommand(topic)
  const found = [
    ...(command === undefined ? [] : [await commandPage(command)]),
    ...topicsNamed(topic).map(({ blocks }) => blocks()),
  ]
  if (found.length > 0) return found
  const text = explanationOf(topic)
  return text === undefined ? [] : [[{ is: "paragraph", text }]]
}

function unknown(topic: string): AppError {
  const near = nearest(topic, [...commandNames(), ...allNames(), ...allCodes()])
  return new AppError("usage", `there is no help on ${JSON.stringify(topic.slice(0, 40))}`, {
    hint: near === undefined ? "mycelium help lists the topics" : `did you mean ${near}?`,
  })
}

function topicList(): readonly Block[] {
  const groups = Map.groupBy(topics, ({ group }) => group)
  return [...groups].flatMap(([group, list]) => [
    { is: "heading", level: 2, text: `help on ${group}` } as const,
    {
      is: "table",
      head: [],
      rows: list.map(({ name, summary }) => [name, summary]),
    } as const,
  ])
}
