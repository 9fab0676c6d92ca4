import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { resolve } from "node:path"
import { AppError } from "../error.ts"
import { enteredBy, isStandardInput, loadedBy, namedBy, runsInput } from "../text/interpreters.ts"
import { assignmentsIn, commandsIn } from "../text/shell-line.ts"
import { type Obstacle, changeableBy, obstacleTo } from "./runnable.ts"

/**
 * Which files a command runs, as far as its words say: its program, the interpreter that a `#!`
 * line names, the script that is given to an interpreter or a shell, what a shell line calls. What
 * such a file runs or loads in its turn is not looked at, nor a program that is looked up in the
 * PATH.
 */

/** `folder`: what relative paths are relative to. */
export type Command = { readonly argv: readonly string[]; readonly folder: string }

/** `isInner`: not the command's own program, but a file that it is to run. */
export type CommandObstacle = Obstacle & { readonly path: string; readonly isInner: boolean }

export type CommandLook = {
  readonly files: readonly string[]
  readonly obstacles: readonly CommandObstacle[]
}

/** `mayLook`: asked of each file before it is looked at; nothing is said of one that may not be. */
type Asking = { readonly mayLook?: (path: string) => Promise<boolean> }

export async function lookAtCommand(
  { argv, folder }: Command,
  { mayLook = () => Promise.resolve(true) }: Asking = {},
): Promise<CommandLook> {
  const walk = new CommandWalk(folder, mayLook)
  await walk.command(argv, { isInner: false })
  return { files: [...walk.files], obstacles: walk.obstacles }
}

/** Why another user could choose what this command runs. */
export async function changeableIn(command: Command): Promise<CommandObstacle | undefined> {
  const { obstacles } = await lookAtCommand(command)
  return obstacles.find(({ code }) => code === "hook-writable")
}

/** Throws `hook-writable`: what another user can change is never run. */
export async function refuseChangeable(command: Command): Promise<void> {
  const found = await changeableIn(command)
  if (found !== undefined) throw refusalOf(found)
}

/** The same for files that tell a program what to run. */
export async function refuseChangeableFiles(files: readonly string[]): Promise<void> {
  for (const path of files) {
    const fault = await changeableBy(path)
    if (fault !== undefined) throw refusalOf({ ...fault, path })
  }
}

/** The message has the way on, too: a note in the state has no hint. */
function refusalOf({
  path,
  message,
  remedy,
}: Pick<CommandObstacle, "path" | "message" | "remedy">): AppError {
  const hint = `${remedy}, and read what it holds`
  return new AppError("hook-writable", `${path} ${message}, so it is not run (${hint})`, { hint })
}

/** How many folders that a shell line enters are followed. */
const mostFolders = 64

class CommandWalk {
  readonly files = new Set<string>()
  readonly obstacles: CommandObstacle[] = []
  readonly #folders: Set<string>
  readonly #mayLook: (path: string) => Promise<boolean>

  constructor(folder: string, mayLook: (path: string) => Promise<boolean>) {
    this.#folders = new Set([folder])
    this.#mayLook = mayLook
  }

  async command(argv: readonly string[], { isInner = true } = {}): Promise<void> {
    const [program = "", ...rest] = argv
    if (program.includes("/"))
      for (const path of this.#placesOf(program)) await this.#program(path, rest, isInner)
    for (const folder of enteredBy(argv)) this.#enter(folder)
    for (const path of loadedBy(rest)) await this.#scripts(path)
    const named = namedBy(argv)
    if (named === undefined) return
    if ("command" in named) {
      await this.command(named.command)
      if (named.maybe !== undefined) await this.command(named.maybe)
    } else if ("shell" in named) await this.#shell(named.shell)
    else for (const script of named.scripts) await this.#scripts(script)
  }

  /** A shell line that enters a folder names its files relative to that. */
  #placesOf(path: string): readonly string[] {
    return [...new Set([...this.#folders].map((folder) => resolve(folder, path)))]
  }

  async #program(path: string, rest: readonly string[], isInner: boolean): Promise<void> {
    const judge = isInner ? changeable : obstacleTo
    if (!(await this.#isNewAndOurs(path, { judge, isInner }))) return
    const line = await interpreterOf(path)
    if (line.length > 0) await this.command([...line, path, ...rest])
  }

  async #scripts(script: string): Promise<void> {
    if (script === "" || isStandardInput(script)) return
    for (const path of this.#placesOf(script))
      await this.#isNewAndOurs(path, { judge: changeable, isInner: true })
  }

  async #shell(text: string): Promise<void> {
    for (const path of loadedBy(assignmentsIn(text))) await this.#scripts(path)
    for (const { words, given } of commandsIn(text)) {
      if (runsInput(words)) {
        for (const file of given.files) await this.#scripts(file)
        for (const one of given.texts) await this.#shell(one)
      }
      const entered = folderIn(words)
      if (entered === undefined) await this.command(words)
      else this.#enter(entered)
    }
  }

  #enter(folder: string): void {
    if (this.#folders.size < mostFolders)
      for (const place of this.#placesOf(folder)) this.#folders.add(place)
  }

  async #isNewAndOurs(
    path: string,
    { judge, isInner }: { readonly judge: typeof obstacleTo; readonly isInner: boolean },
  ): Promise<boolean> {
    if (this.files.has(path) || !(await this.#mayLook(path))) return false
    this.files.add(path)
    const obstacle = await judge(path)
    // What is missing may be put there between this look and the start.
    const others = obstacle?.code === "hook-missing" ? await changeable(path) : undefined
    for (const one of [obstacle, others])
      if (one !== undefined) this.obstacles.push({ ...one, path, isInner })
    return obstacle === undefined
  }
}

/** Where `cd` or `pushd` goes. */
function folderIn(words: readonly string[]): string | undefined {
  const [first, ...after] = words
  const [name, ...rest] = first === "command" || first === "builtin" ? after : words
  if (name !== "cd" && name !== "pushd") return undefined
  return rest.find((word) => !/^-[-A-Za-z@]*$/.test(word))
}

async function changeable(path: string): Promise<Obstacle | undefined> {
  const fault = await changeableBy(path, { evenMissing: true })
  return fault === undefined ? undefined : { code: "hook-writable", ...fault }
}

/** As many bytes of a `#!` line as Linux reads. */
const lineBytes = 256

/** The interpreter, and its one argument if there is one; empty for what has no `#!` line. */
async function interpreterOf(path: string): Promise<readonly string[]> {
  const text = await beginningOf(path)
  const [, line] = /^#![ \t]*([^\n]*)/.exec(text) ?? []
  const [, program = "", argument = ""] = /^(\S+)[ \t]*(.*?)[ \t\r]*$/.exec(line ?? "") ?? []
  return [program, argument].filter((word) => word !== "")
}

async function beginningOf(path: string): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(lineBytes), 0, lineBytes, 0)
    return buffer.subarray(0, bytesRead).toString("latin1")
  } catch {
    return ""
  }
}
