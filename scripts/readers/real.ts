import { join } from "node:path"
import { libraryPath } from "../servers/debian.ts"
import { type Answers, askInHalves, askProgram, chunks, output, pairs } from "./ask.ts"
import {
  type Place,
  debianEnv,
  debianProgram,
  debianReaders,
  go,
  npm,
  phpExtensions,
  programs,
  python,
  rust,
  shells,
} from "./fetch.ts"
import type { Mode } from "./files.ts"

/** A program that reads `.env` files, and how one of each kind is asked. */

/** A program that reads `.env` files. */
export type Real = {
  readonly name: string
  /** The modes that are its own: what must be intact there, besides `portable`. */
  readonly own: readonly Mode[]
  /** Needs nothing but what a machine may have. */
  readonly local?: true
  /**
   * Of files that are not its own, nor portable, nor the seed's, it is asked only that many: it
   * starts programs for each.
   */
  readonly few?: number
  /** Ready to answer, or why it cannot be had here. */
  ready(): Promise<Ask | { readonly why: string }>
}
/** `cwd` is an empty folder. */
export type Ask = (paths: readonly string[], cwd: string) => Promise<Answers>

export const systemdLibraries = [
  ...new Bun.Glob("*-linux-gnu/systemd/libsystemd-shared-*.so").scanSync("/usr/lib"),
]
export const shows =
  "process.stdout.write(Object.keys(process.env).map((key) => key + '=' + process.env[key] + '\\0').join(''))"
/** One write may take less than all. */
export const denoShows =
  "let left = new TextEncoder().encode(Object.entries(Deno.env.toObject()).map(([key, " +
  "value]) => key + '=' + value + '\\0').join('')); while (left.length > 0) left = " +
  "left.subarray(Deno.stdout.writeSync(left))"

/** Some libraries run commands that they find in a value. */
const noProgram = { PATH: "/nonexistent" }

export function withFolder(
  place: Place,
  ask: (place: { readonly folder: string }) => Ask,
): Ask | { readonly why: string } {
  return "why" in place ? place : ask(place)
}

/** A program of the machine's own. */
export function ofSystem(
  name: string,
  own: readonly Mode[],
  argv: readonly string[],
  lacks?: string,
): Real {
  const [program = ""] = argv
  const why = Bun.which(program) === null ? `${program} is not on the PATH` : lacks
  return {
    name,
    own,
    local: true,
    ready: () =>
      Promise.resolve(
        why === undefined ? (paths, cwd) => askProgram(argv, paths, { cwd }) : { why },
      ),
  }
}

export function ofNpm(name: string, which: string, own: readonly Mode[]): Real {
  return {
    name,
    own,
    ready: async () =>
      withFolder(
        await npm(),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram(
              [Bun.which("node") ?? "node", join(programs, "read.cjs"), which, folder],
              paths,
              { cwd, env: noProgram },
            ),
      ),
  }
}

export function ofPython(
  name: string,
  which: string,
  own: readonly Mode[],
  age: "young" | "old" = "young",
): Real {
  return {
    name,
    own,
    ready: async () =>
      withFolder(
        await python(age),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram(["python3", join(programs, "read.py"), which], paths, {
              cwd,
              env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
            }),
      ),
  }
}

export function ofGo(name: string, which: string, own: readonly Mode[]): Real {
  return {
    name,
    own,
    ready: async () =>
      withFolder(
        await go("go"),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram([join(folder, "reader"), which], paths, { cwd }),
      ),
  }
}

export function ofRust(which: string): Real {
  return {
    name: `rust ${which}`,
    own: [],
    ready: async () =>
      withFolder(
        await rust(),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram([join(folder, "target/release/readers"), which], paths, { cwd }),
      ),
  }
}

export function ofRuby(name: string, which: string): Real {
  return {
    name,
    own: [],
    ready: async () =>
      withFolder(
        await debianReaders(),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram(
              [debianProgram(folder, /^ruby\d/) ?? "ruby", join(programs, "read.rb"), which],
              paths,
              { cwd, env: { ...debianEnv(folder), ...noProgram } },
            ),
      ),
  }
}

export function ofPhp(name: string, which: string): Real {
  return {
    name,
    own: [],
    ready: async () =>
      withFolder(await debianReaders(), ({ folder }) => (paths, cwd) => {
        const php = [
          debianProgram(folder, /^php\d/) ?? "php",
          "-n",
          `-dinclude_path=${join(folder, "usr/share/php")}`,
          ...phpExtensions(folder, ["mbstring", "ctype"]),
        ]
        return askProgram([...php, join(programs, "read.php"), which], paths, {
          cwd,
          env: debianEnv(folder),
        })
      }),
  }
}

/**
 * A file of another mode may hold commands: they run as the user nobody, if that can be chosen, and find
 * no program.
 */
export function ofShell(
  name: string,
  shell: readonly string[],
  which: string,
  own: readonly Mode[],
): Real {
  const nobody =
    process.getuid?.() === 0 && Bun.which("setpriv") !== null
      ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      : []
  const [program = "", ...rest] = shell
  const script = join(programs, "read.sh")
  const asked =
    (path: string, env: Readonly<Record<string, string>>): Ask =>
    async (paths, cwd) =>
      askProgram(
        [...nobody, path, ...rest, "-c", await Bun.file(script).text(), which, which],
        paths,
        { cwd, env: { HOME: cwd, ...env } },
      )
  const here = Bun.which(program)
  if (here !== null)
    return { name, own, local: true, ready: () => Promise.resolve(asked(here, {})) }
  return {
    name,
    own,
    ready: async () =>
      withFolder(await shells(), ({ folder }) =>
        asked(join(folder, "bin", program), { LD_LIBRARY_PATH: libraryPath(folder) }),
      ),
  }
}

export function withEnvFiles(
  name: string,
  own: readonly Mode[],
  find: () => string | null,
  rest: readonly string[],
): Real {
  return {
    name,
    own,
    local: true,
    ready: async () => {
      const program = find()
      if (program === null) return { why: `${name} is not on the PATH` }
      return (paths, cwd) =>
        inChunks(paths, (some) =>
          output([program, ...some.map((path) => `--env-file=${path}`), ...rest], { cwd }),
        )
    },
  }
}

export async function inChunks(
  paths: readonly string[],
  read: (some: readonly string[]) => Promise<Buffer>,
): Promise<Answers> {
  const found: Answers = new Map()
  for (const some of chunks(paths, 50)) {
    const here = await askInHalves(some, async (few) => {
      const answers = pairs(await read(few))
      return answers.size === 0 ? undefined : answers
    })
    for (const [name, value] of here) found.set(name, value)
  }
  return found
}

export async function direnv(
  program: string,
  paths: readonly string[],
  cwd: string,
): Promise<Answers> {
  const found: Answers = new Map()
  for (const few of chunks(paths, 4)) {
    for (const bytes of await Promise.all(
      few.map((path) => output([program, "dotenv", "json", path], { cwd })),
    )) {
      for (const [name, value] of Object.entries(parsed(bytes)))
        if (typeof value === "string") found.set(name, Buffer.from(value).toString("latin1"))
    }
  }
  return found
}

function parsed(bytes: Buffer): object {
  try {
    const json: unknown = JSON.parse(bytes.toString())
    return typeof json === "object" && json !== null ? json : {}
  } catch {
    return {}
  }
}
