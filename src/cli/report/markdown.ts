import type { Block } from "./blocks.ts"

/** `mark` stands in the first line. */
export function markdown(blocks: readonly Block[], mark: string): string {
  return `<!-- ${mark} -->\n\n${blocks.map(blockOf).join("\n\n")}\n`
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case "title":
      return `# ${plain(block.text)}`
    case "heading":
      return `## ${plain(block.text)}`
    case "verdict":
      return `**${plain(block.text)}**`
    case "text":
      return plain(block.text)
    case "list":
      return block.items.map((item) => `- ${plain(item)}`).join("\n")
    case "table":
      return [
        rowOf(block.head),
        rowOf(block.head.map(() => "---")),
        ...block.rows.map((row) => rowOf(row.map(plain))),
      ].join("\n")
    case "command":
      return `\`\`\`sh\n${block.lines.join("\n")}\n\`\`\``
    case "blank":
      return `_${plain(block.message)}_\n\n…`
  }
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell === "" ? " " : cell)).join(" | ")} |`
}

/**
 * One line of text in which nothing is a sign: reasons and user names are others' words. An
 * underscore within a word is none.
 */
function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Bidi_Control}]+/gu, " ")
    .replace(
      /[\\`*[\]<>|~&]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|^#|^(?=[-+>]\s)/gu,
      (sign) => `\\${sign}`,
    )
}
