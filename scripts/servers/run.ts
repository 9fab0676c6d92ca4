/** Runs a program to its end. Answers what it printed; its errors go into the reason, not to the terminal. */
export type Ran = { readonly ok: boolean; readonly out: string; readonly err: string }

export async function run(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const [program = ""] = argv
  if (Bun.which(program) === null)
    return { ok: false, out: "", err: `${program} is not on the PATH` }
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { ok: code === 0, out, err: lastLine(err) }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? ""
}
