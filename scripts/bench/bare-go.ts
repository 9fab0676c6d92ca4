import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readFile, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import type { Service } from "./a-program.ts"

/**
 * The bare rows by a compiled program of another runtime (`bare-go/`): what our own acts cost
 * beside an expert's, not beside ours without the engine.
 */

export type Run = {
  readonly name: string
  readonly count: number
  readonly service?: {
    readonly kind: string
    readonly port: number
    readonly user: string
    readonly password: string
    /** The role whose turn is next. */
    readonly other?: string
    readonly admin?: { readonly user: string; readonly password: string }
  }
}
export type BareGo = { rotate(runs: readonly Run[]): Promise<void> } & AsyncDisposable

const source = join(import.meta.dirname, "bare-go")
const tools = join(import.meta.dirname, "..", "..", ".tools", "go")
/** What only Go's own folders hold: nothing of it is installed. */
const surroundings = (): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  GOMODCACHE: join(tools, "mod"),
  GOCACHE: join(tools, "cache"),
  GOTOOLCHAIN: "local",
  CGO_ENABLED: "0",
  GOFLAGS: "-modcacherw",
})

let built: Promise<{ readonly program: string } | { readonly why: string }> | undefined

/** Starts it for files in `folder`; or says why there is none. */
export async function startBareGo(folder: string): Promise<BareGo | { readonly why: string }> {
  const found = await (built ??= build())
  if ("why" in found) return found
  const child = Bun.spawn([found.program, folder], {
    env: { PATH: "/usr/bin:/bin" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  return {
    rotate: async (runs) => {
      child.stdin.write(`${JSON.stringify({ runs })}\n`)
      await child.stdin.flush()
      const { value } = await answers.read()
      const wanted = runs.reduce((sum, { count }) => sum + count, 0)
      if (value !== `${wanted} rotated\n`)
        throw new Error(`the bare acts in Go went wrong: ${value ?? "it ended"}`)
    },
    [Symbol.asyncDispose]: async () => {
      await child.stdin.end()
      await child.exited
    },
  }
}

/** Into the ignored folder, by the name of its sources: built once. */
async function build(): Promise<{ readonly program: string } | { readonly why: string }> {
  const go =
    Bun.which("go") ?? (existsSync("/usr/local/go/bin/go") ? "/usr/local/go/bin/go" : undefined)
  if (go === undefined) return { why: "no Go on this machine" }
  const hash = new Bun.CryptoHasher("sha256")
  for (const name of (await readdir(source)).sort()) hash.update(await readFile(join(source, name)))
  const version = Bun.spawnSync([go, "env", "GOVERSION"], { cwd: source, env: surroundings() })
    .stdout.toString()
    .trim()
  hash.update(version)
  const program = join(tools, `bare-${hash.digest("hex").slice(0, 16)}`)
  if (existsSync(program)) return { program }
  process.stderr.write(`bench: building the bare rows with ${version}\n`)
  await mkdir(tools, { recursive: true })
  const draft = await mkdtemp(join(tools, "draft-"))
  try {
    const made = Bun.spawnSync(
      [go, "build", "-trimpath", "-buildvcs=false", "-o", join(draft, "bare"), "."],
      { cwd: source, env: surroundings(), stdout: "ignore", stderr: "pipe" },
    )
    // Its messages may name where the modules come from.
    if (made.exitCode !== 0)
      return {
        why:
          `${version === "" ? "Go" : version} did not build it: its modules cannot be had here, ` +
          "or it is too old",
      }
    await rename(join(draft, "bare"), program)
    return { program }
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** What the program needs to know of a service of the bench. */
export function runOf(name: string, service: Service, count: number): Run {
  const option = (key: string): string | undefined =>
    new RegExp(`\\b${key}: (\\w+)`).exec(service.options)?.[1]
  const roles = /\broles: \[(\w+), (\w+)\]/.exec(service.options)
  const admin =
    service.admin === undefined
      ? undefined
      : {
          user: /\badmin: \{ user: (\w+)/.exec(service.options)?.[1] ?? option("user") ?? "",
          password: service.admin.password,
        }
  return {
    name,
    count,
    service: {
      kind: service.kind,
      port: service.port,
      ...service.login,
      ...(roles === null
        ? {}
        : { other: (roles[1] === service.login.user ? roles[2] : roles[1]) ?? "" }),
      ...(admin === undefined ? {} : { admin }),
    },
  }
}
