import { AppError } from "../../base/error.ts"
import { nearest } from "../../config/nearest.ts"
import { type Command, type Entry, type Group, type Terminal, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { allCodes, explanationOf } from "../explain/texts.ts"
import type { Block } from "../help/blocks.ts"
import { commandPage, overview } from "../help/overview.ts"
import { manPage } from "../help/man-page.ts"
import { columnsElse, toText } from "../help/text.ts"
import { allNames, meantBy, pagesThatMention, topics, topicsNamed } from "../help/topics.ts"

/** `groups`: all commands. The table of commands loads this one, so it passes itself in. */
export function helpOn(groups: readonly Group[]): Command {
  return {
    usage:
      "Prints a page of the manual, or what a command, a driver, an output, a restarter, a health " +
      "check or a key of the config takes. Without a topic, lists all topics.",
    options: {
      man: {
        type: "boolean",
        summary:
          "print all of it as a man page: mycelium help --man > /usr/local/share/man/man1/mycelium.1",
      },
    },
    run: async (terminal, words, values) => {
      const topic = topicOf(groups, words)
      const lines = (): Promise<readonly string[]> => linesFor(terminal, groups, topic)
      if (isSet(values, "man")) terminal.stdout((await manPage(groups)).join("\n"))
      else if (isSet(values, "json"))
        terminal.stdout(
          JSON.stringify(topic === undefined ? list : { topic, text: text(await lines()) }),
        )
      else terminal.stdout(text(await lines()))
      return exitCodes.done
    },
  }
}

/** A name of several words is one topic; several names are not. */
function topicOf(groups: readonly Group[], words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined
  const known = namesIn(groups.flatMap(({ commands }) => commands))
  const topic = meantBy(words.join(" "), known)
  const isOne = (word: string): boolean => known.includes(meantBy(word, known))
  if (words.length > 1 && !known.includes(topic) && words.some(isOne))
    throw new AppError("usage", "name one topic", { hint: "mycelium help lists them" })
  return topic
}

function namesIn(commands: readonly Entry[]): readonly string[] {
  return [...commands.map(({ name }) => name), ...allNames(), ...allCodes()]
}

const list = { topics: topics.map(({ name, group, summary }) => ({ name, group, summary })) }

function text(lines: readonly string[]): string {
  return lines.join("\n")
}

async function linesFor(
  terminal: Terminal,
  groups: readonly Group[],
  topic: string | undefined,
): Promise<readonly string[]> {
  const columns = terminal.columns?.() ?? columnsElse
  if (topic === undefined) return toText([...overview(groups), ...topicList()], columns)
  const commands = groups.flatMap((group) => group.commands)
  const found = await pagesFor(commands, topic)
  if (found.length === 0) throw unknown(commands, topic)
  return found.flatMap((blocks, index) => [
    ...(index === 0 ? [] : [""]),
    ...toText(blocks, columns),
  ])
}

/** Everything of this name: the command, pages and plug-ins; else the code of an error. */
async function pagesFor(
  commands: readonly Entry[],
  topic: string,
): Promise<readonly (readonly Block[])[]> {
  const command = commands.find(({ name }) => name === topic)
  const found = [
    ...(command === undefined ? [] : [await commandPage(command)]),
    ...topicsNamed(topic).map(({ blocks }) => blocks()),
  ]
  if (found.length > 0) return found
  const text = explanationOf(topic)
  return text === undefined ? [] : [[{ kind: "paragraph", text }]]
}

function unknown(commands: readonly Entry[], topic: string): AppError {
  // Of a short word, everything is near.
  const near = topic.length < 4 ? undefined : nearest(topic, namesIn(commands))
  return new AppError("usage", `there is no help on ${JSON.stringify(topic.slice(0, 40))}`, {
    hint: near === undefined ? hintOn(topic) : `did you mean ${near}?`,
  })
}

function hintOn(topic: string): string {
  const pages = pagesThatMention(topic).map((name) => `mycelium help ${name}`)
  if (pages.length === 0) return "mycelium help lists the topics"
  return `it is mentioned in: ${pages.join(", ")}`
}

function topicList(): readonly Block[] {
  const groups = Map.groupBy(topics, ({ group }) => group)
  return [...groups].flatMap(([group, list]) => [
    { kind: "heading", level: 2, text: `help on ${group}` } as const,
    {
      kind: "table",
      head: [],
      rows: list.map(({ name, summary }) => [name, summary]),
    } as const,
  ])
}
