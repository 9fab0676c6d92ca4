import { join } from "node:path"
import { show } from "./screen.ts"
import type { Stage } from "./stage.ts"

/** The binary, as it is typed in the app's folder. */
const binary = join(import.meta.dir, "../../dist/mycelium")
/** Those that run, so that nothing is left where the demo is cut off. */
const running = new Set<Bun.Subprocess>()
let closed = false

export type Said = { readonly out: string; readonly code: number }

/** Types a command and shows what it says; throws if it ends otherwise than with 0. */
export async function mycelium(stage: Stage, ...args: readonly string[]): Promise<string> {
  console.log(`   $ mycelium ${args.join(" ")}`)
  const said = await ask(stage, ...args)
  show(said.out)
  if (said.code !== 0) throw new Error(`mycelium ${args[0]} ended with ${said.code}`)
  return said.out
}

/** The same without showing it. */
export async function ask(stage: Stage, ...args: readonly string[]): Promise<Said> {
  const child = start(stage, args)
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  running.delete(child)
  return { out: `${err}${out}`, code }
}

/** The service, until `enough`; then SIGTERM. Its exit code. */
export async function serve(
  stage: Stage,
  enough: () => Promise<boolean>,
  withinMs: number,
): Promise<number> {
  console.log("   $ mycelium run")
  const child = start(stage, ["run"])
  const lines = showLines(child.stderr)
  const end = performance.now() + withinMs
  while (child.exitCode === null && !(await enough())) {
    if (performance.now() > end) throw new Error(`the service did not do it within ${withinMs} ms`)
    await Bun.sleep(100)
  }
  child.kill("SIGTERM")
  const code = await child.exited
  await lines
  running.delete(child)
  return code
}

/** Once: a second signal would be taken for impatience. */
export async function endAll(): Promise<void> {
  closed = true
  for (const child of running) child.kill("SIGTERM")
  await Promise.all([...running].map((child) => child.exited))
}

/** An environment of its own: HOME is the demo's, so key and state lie where they would for a user. */
function start(stage: Stage, args: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  if (closed) throw new Error("the demo is at its end")
  const child = Bun.spawn([binary, ...args], {
    cwd: stage.folder,
    env: { PATH: "/usr/bin:/bin", HOME: stage.home },
    stdio: ["ignore", "pipe", "pipe"],
  })
  running.add(child)
  return child
}

async function showLines(stream: ReadableStream<Uint8Array>): Promise<void> {
  let rest = ""
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) show(line)
  }
}
