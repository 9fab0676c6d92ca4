import type { Group } from "../command.ts"
import type { Block } from "./blocks.ts"
import { manTitle, toMan } from "./man.ts"
import { commandPage, overview } from "./overview.ts"
import { type Topic, topics } from "./topics.ts"

/** Set by the build; a run from source says so. */
declare const MYCELIUM_VERSION: string | undefined

/** mycelium(1): the commands, the manual and the reference, on one page. */
export async function manPage(groups: readonly Group[]): Promise<readonly string[]> {
  const commands = groups.flatMap((group) => group.commands)
  const commandPages = await Promise.all(commands.map((command) => commandPage(command)))
  return [
    ...manTitle(typeof MYCELIUM_VERSION === "string" ? MYCELIUM_VERSION : "source"),
    ...toMan([
      title("name"),
      { kind: "paragraph", text: "mycelium - rotates passwords and other secrets on one server" },
      title("synopsis"),
      { kind: "paragraph", text: "`mycelium` COMMAND [OPTION…]" },
      title("description"),
      ...overview(groups),
      title("commands"),
      ...commandPages.flatMap(below),
    ]),
    ...toMan([...Map.groupBy(topics, ({ group }) => group)].flatMap(([, list]) => sections(list))),
  ]
}

/**
 * Pages of the manual are sections of their own; what the reference says of one kind is one
 * section.
 */
function sections(list: readonly Topic[]): readonly Block[] {
  const [{ group = "" } = {}] = list
  if (group === "manual") return list.flatMap(({ blocks }) => blocks())
  return [title(group), ...list.flatMap(({ blocks }) => below(blocks()))]
}

function title(text: string): Block {
  return { kind: "heading", level: 1, text }
}

function below(blocks: readonly Block[]): readonly Block[] {
  return blocks.map((block) =>
    block.kind === "heading" ? { ...block, level: block.level + 1 } : block,
  )
}
