import { join } from "node:path"
import { libraryPath } from "../servers/debian.ts"
import { type Answers, askInHalves, askProgram, chunks, output, pairs } from "./ask.ts"
import { askDocker } from "./docker.ts"
import {
  type Place,
  debianEnv,
  debianProgram,
  debianReaders,
  go,
  java,
  npm,
  phpExtensions,
  programs,
  python,
  rust,
  shells,
} from "./fetch.ts"
import type { Mode } from "./files.ts"
import { askGithub } from "./github.ts"

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

const systemdLibraries = [
  ...new Bun.Glob("*-linux-gnu/systemd/libsystemd-shared-*.so").scanSync("/usr/lib"),
]
const shows =
  "process.stdout.write(Object.keys(process.env).map((key) => key + '=' + process.env[key] + '\\0').join(''))"
/** One write may take less than all. */
const denoShows =
  "let left = new TextEncoder().encode(Object.entries(Deno.env.toObject()).map(([key, " +
  "value]) => key + '=' + value + '\\0').join('')); while (left.length > 0) left = " +
  "left.subarray(Deno.stdout.writeSync(left))"

/** Some libraries run commands that they find in a value. */
const noProgram = { PATH: "/nonexistent" }

export const catalogue: readonly Real[] = [
  ...["dotenv", "dotenv17", "dotenv16", "dotenv14", "dotenv8"].map((name) =>
    ofNpm(
      name === "dotenv" ? "dotenv 18" : name.replace(/(\d+)$/, " $1"),
      name,
      name === "dotenv8" || name === "dotenv14" ? [] : ["dotenv"],
    ),
  ),
  ofNpm("dotenvx", "dotenvx", []),
  ofNpm("dotenv-flow", "dotenv-flow", []),
  ofNpm("env-cmd", "env-cmd", []),
  ofNpm("node foreman", "foreman", []),
  ofNpm("dotenv-expand", "dotenv-expand", ["expand"]),
  ofNpm("next", "next", ["expand"]),
  ofNpm("vite", "vite", ["expand"]),
  ofSystem("node parseEnv", ["node"], ["node", join(programs, "read.cjs"), "parseEnv", programs]),
  ofSystem(
    "node loadEnvFile",
    ["node"],
    ["node", join(programs, "read.cjs"), "loadEnvFile", programs],
  ),
  withEnvFiles("node --env-file", ["node"], () => Bun.which("node"), ["-e", shows]),
  withEnvFiles("bun --env-file", ["bun"], () => process.execPath, ["-e", shows]),
  {
    name: "deno --env-file",
    own: [],
    ready: async () =>
      withFolder(
        await npm(),
        ({ folder }) =>
          (paths, cwd) =>
            inChunks(paths, (some) =>
              output(
                [
                  join(folder, "node_modules/@deno/linux-x64-glibc/deno"),
                  "eval",
                  "--no-config",
                  ...some.map((path) => `--env-file=${path}`),
                  denoShows,
                ],
                { cwd, env: { DENO_DIR: join(cwd, "../deno"), DENO_NO_UPDATE_CHECK: "1" } },
              ),
            ),
      ),
  },
  ofPython("python-dotenv 1.2", "dotenv", ["python"]),
  ofPython("python-dotenv 0.21", "dotenv", ["python"], "old"),
  ofPython("environs", "environs", ["python"]),
  ofPython("pydantic-settings", "pydantic", ["python"]),
  ofPython("dynaconf", "dynaconf", []),
  ofPython("django-environ", "django_environ", []),
  ofPython("python-decouple", "decouple", []),
  ofPython("honcho", "honcho", []),
  ofPython("starlette", "starlette", []),
  ofSystem(
    "systemd EnvironmentFile",
    ["systemd"],
    ["python3", join(programs, "read.py"), "systemd"],
    systemdLibraries.length > 0 ? undefined : "systemd is not there",
  ),
  ofGo("compose env_file", "compose-env-file", ["compose"]),
  ofGo("compose .env", "compose-interpolation", ["compose"]),
  ofGo("godotenv", "godotenv", []),
  ofGo("gotenv (viper)", "gotenv", []),
  ofGo("go-envparse", "envparse", []),
  {
    name: "docker create",
    own: ["docker"],
    local: true,
    few: 0,
    ready: () =>
      Promise.resolve(
        Bun.which("docker") === null
          ? { why: "docker is not on the PATH" }
          : (paths, cwd) => askDocker(paths, cwd),
      ),
  },
  ofGo("docker opts", "docker", ["docker"]),
  {
    name: "kubectl",
    own: ["docker"],
    ready: async () =>
      withFolder(
        await go("kubectl"),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram([join(folder, "reader")], paths, { cwd }),
      ),
  },
  ofRust("dotenvy"),
  ofRust("dotenv"),
  ofRuby("ruby dotenv", "dotenv"),
  ofRuby("ruby foreman", "foreman"),
  ofPhp("phpdotenv", "vlucas"),
  ofPhp("symfony dotenv", "symfony"),
  {
    name: "dotenv-java",
    own: [],
    ready: async () =>
      withFolder(
        await java(),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram(
              [
                "java",
                "-Dfile.encoding=UTF-8",
                "-cp",
                `${folder}:${join(folder, "dotenv-java-3.2.0.jar")}`,
                "Read",
              ],
              paths,
              { cwd },
            ),
      ),
  },
  {
    name: "direnv",
    own: [],
    few: 200,
    ready: async () =>
      withFolder(
        await debianReaders(),
        ({ folder }) =>
          (paths, cwd) =>
            direnv(join(folder, "usr/bin/direnv"), paths, cwd),
      ),
  },
  ofShell("dash", ["dash"], "source", ["shell"]),
  ofShell("bash", ["bash"], "source", ["shell"]),
  ofShell("zsh", ["zsh"], "source", ["shell"]),
  ofShell("mksh", ["mksh"], "source", ["shell"]),
  ofShell("busybox sh", ["busybox", "sh"], "source", ["shell"]),
  { ...ofShell("export $(… | xargs)", ["dash"], "xargs", []), few: 200 },
  { ...ofShell("env $(cat …)", ["dash"], "env-cat", []), few: 200 },
  ofShell("while read", ["dash"], "while-read", ["docker"]),
  { ...ofShell("make include", ["dash"], "make", []), few: 200 },
  {
    name: "$GITHUB_ENV (rules)",
    own: ["github"],
    local: true,
    ready: () => Promise.resolve((paths) => Promise.resolve(askGithub(paths))),
  },
]

function withFolder(
  place: Place,
  ask: (place: { readonly folder: string }) => Ask,
): Ask | { readonly why: string } {
  return "why" in place ? place : ask(place)
}

/** A program of the machine's own. */
function ofSystem(
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

function ofNpm(name: string, which: string, own: readonly Mode[]): Real {
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

function ofPython(
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

function ofGo(name: string, which: string, own: readonly Mode[]): Real {
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

function ofRust(which: string): Real {
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

function ofRuby(name: string, which: string): Real {
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

function ofPhp(name: string, which: string): Real {
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
function ofShell(
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

function withEnvFiles(
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

async function inChunks(
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

async function direnv(program: string, paths: readonly string[], cwd: string): Promise<Answers> {
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
