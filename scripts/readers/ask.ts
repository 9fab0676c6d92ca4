/** What a reader found: by variable, as a binary string. What it refused is not there. */
export type Answers = Map<string, string>

/** A stuck reader is one that fails. */
const deadlineMs = 300_000

export type How = { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }

/**
 * Hands paths to a program of scripts/readers/programs, one a line. It goes on after a file that it
 * refuses: where it does not, its figures mean nothing.
 */
export async function askProgram(
  argv: readonly string[],
  paths: readonly string[],
  how: How,
): Promise<Answers> {
  const { out, code } = await ran(argv, how, paths.map((path) => `${path}\n`).join(""))
  if (code !== 0) throw new Error(`${argv.join(" ").slice(0, 200)} did not get to its end: ${code}`)
  return pairs(out)
}

export async function output(argv: readonly string[], how: How): Promise<Buffer> {
  return (await ran(argv, how, "")).out
}

async function ran(
  argv: readonly string[],
  { cwd, env }: How,
  stdin: string,
): Promise<{ readonly out: Buffer; readonly code: number | NodeJS.Signals }> {
  const child = Bun.spawn([...argv], {
    cwd,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? cwd,
      LANG: "C.UTF-8",
      ...env,
    },
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "ignore",
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  })
  const out = Buffer.from(await new Response(child.stdout).arrayBuffer())
  return { out, code: child.signalCode ?? (await child.exited) }
}

/** NAME=VALUE and NUL, again and again, of the names that are ours. */
export function pairs(bytes: Buffer): Answers {
  const found: Answers = new Map()
  for (const pair of bytes.toString("latin1").split("\0")) {
    const [, name, value] = /^(F\d+_[ABC])=([^]*)$/.exec(pair) ?? []
    if (name !== undefined && value !== undefined) found.set(name, value)
  }
  return found
}

/**
 * For a program that takes many files at once and fails as a whole: halves, until each refusal
 * stands alone.
 */
export async function askInHalves(
  paths: readonly string[],
  ask: (paths: readonly string[]) => Promise<Answers | undefined>,
): Promise<Answers> {
  const all = paths.length === 0 ? new Map() : await ask(paths)
  if (all !== undefined || paths.length === 1) return all ?? new Map()
  const middle = paths.length >> 1
  const [one, other] = [
    await askInHalves(paths.slice(0, middle), ask),
    await askInHalves(paths.slice(middle), ask),
  ]
  return new Map([...one, ...other])
}

export function chunks(paths: readonly string[], size: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(paths.length / size) }, (_, index) =>
    paths.slice(index * size, (index + 1) * size),
  )
}
