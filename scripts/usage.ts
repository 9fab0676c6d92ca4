import { parseArgs, type ParseArgsConfig } from "node:util"

/** What the command line of a script says; `--help` prints `usage` and ends with 0, a mistake ends with 2. */
export function optionsOf<Options extends NonNullable<ParseArgsConfig["options"]>>(
  usage: string,
  options: Options,
  args: readonly string[] = Bun.argv.slice(2),
): ReturnType<typeof parseArgs<{ options: Options; args: string[]; allowPositionals: boolean }>> {
  const allowPositionals = usage.includes("WORD")
  if (args.includes("--help")) end(`usage: ${usage}`, 0)
  try {
    return parseArgs({ options, args: [...args], allowPositionals })
  } catch (error) {
    return end(`${error instanceof Error ? error.message : "wrong options"}\nusage: ${usage}`, 2)
  }
}

function end(text: string, code: number): never {
  if (code === 0) console.log(text)
  else console.error(text)
  process.exit(code)
}
