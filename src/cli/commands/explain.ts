import { AppError } from "../../base/error.ts"
import { nearest } from "../../config/nearest.ts"
import { type Command, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { wrap } from "../help/wrap.ts"
import { allCodes, explanationOf, texts } from "../explain/texts.ts"

export const explain: Command = {
  usage:
    "Says what a code means, why it matters and what to do now. Without a code, lists all codes.",
  options: {},
  run: (terminal, [typed, more], values) => {
    const code = typed === undefined ? undefined : codeMeantBy(typed)
    if (more !== undefined)
      throw new AppError("usage", "name one code", { hint: "without one, explain lists them all" })
    const text = code === undefined ? undefined : explanationOf(code)
    if (code !== undefined && text === undefined) throw unknown(code)
    if (isSet(values, "json"))
      terminal.stdout(
        JSON.stringify(
          code === undefined
            ? Object.fromEntries(texts.flatMap(({ codes }) => Object.entries(codes)))
            : { code, text },
        ),
      )
    else terminal.stdout(linesOf(text, terminal.columns?.() ?? columnsElse).join("\n"))
    return Promise.resolve(exitCodes.done)
  },
}

/** Case makes no difference, nor does a dash that was typed as another sign. */
function codeMeantBy(typed: string): string {
  const code = typed.toLowerCase().replaceAll(/[ _.]+/g, "-")
  return explanationOf(code) === undefined ? typed : code
}

function unknown(code: string): AppError {
  const near = nearest(code, allCodes())
  return new AppError("usage", `there is no code ${JSON.stringify(code.slice(0, 40))}`, {
    hint: near === undefined ? "mycelium explain lists them" : `did you mean ${near}?`,
  })
}

/** The text of one code, or the list of all. */
function linesOf(text: string | undefined, columns: number): readonly string[] {
  if (text !== undefined) return wrap(text, columns)
  return texts.flatMap(({ title, codes }) => [
    `${title}:`,
    ...wrap(Object.keys(codes).sort().join(", "), columns - 2).map((line) => `  ${line}`),
  ])
}

/** If stdout is no terminal. */
const columnsElse = 100
