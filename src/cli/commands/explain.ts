import { AppError } from "../../base/error.ts"
import { nearest } from "../../config/nearest.ts"
import { type Command, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { allCodes, explanationOf, texts } from "../explain/texts.ts"

export const explain: Command = {
  usage:
    "Says what a code means, why it matters and what to do now. Without a code: the list of all.",
  options: {},
  run: (terminal, [code, more], values) => {
    if (more !== undefined)
      throw new AppError("usage", "name one code", { hint: "without one, explain lists them all" })
    const text = code === undefined ? undefined : explanationOf(code)
    if (code !== undefined && text === undefined) throw unknown(code)
    if (isSet(values, "json"))
      terminal.out(
        JSON.stringify(
          code === undefined
            ? Object.fromEntries(texts.flatMap(({ codes }) => Object.entries(codes)))
            : { code, text },
        ),
      )
    else for (const line of text === undefined ? list() : wrap(text)) terminal.out(line)
    return Promise.resolve(exitCodes.done)
  },
}

function unknown(code: string): AppError {
  const near = nearest(code, allCodes())
  return new AppError("usage", `there is no code ${JSON.stringify(code.slice(0, 40))}`, {
    hint: near === undefined ? "mycelium explain lists them" : `did you mean ${near}?`,
  })
}

function list(): readonly string[] {
  return texts.flatMap(({ title, codes }) => [
    `${title}:`,
    ...wrap(Object.keys(codes).sort().join("  ")).map((line) => `  ${line}`),
  ])
}

const width = 100

/** Lines that a terminal shows whole. */
function wrap(text: string): readonly string[] {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line.trim())
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line.trim()]
}
