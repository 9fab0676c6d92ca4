import { mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { manyEnvironments } from "./many.ts"
import { type Row, allInTurn, median, ms } from "./measure.ts"

const megabyte = 1_000_000

/** Starts of the binary beside a compiled program of one line, and its size. */
export async function startRows(root: string, rounds: number): Promise<readonly Row[]> {
  const binary = join(root, "dist", "mycelium")
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  try {
    const hello = await compiled(folder, "hello", 'process.stdout.write("hello\\n")\n')
    await using one = await manyEnvironments(1)
    await using many = await manyEnvironments(1000)
    // What `status` cannot do without: our loader, and the state files, read and parsed by the plainest calls.
    const reader = await compiled(folder, "reader", readerText(root))
    const parts = { config: [] as number[], files: [] as number[] }
    const read = async (): Promise<void> => {
      const said = JSON.parse(run([reader, many.config, ...many.states], /^\{/, {})) as { readonly config: number; readonly files: number; readonly read: number }
      if (said.read !== 1000) throw new Error("the reader did not read every state")
      parts.config.push(said.config)
      parts.files.push(said.files)
    }
    const cpu = { hello: [] as number[], version: [] as number[], quick: [] as number[], whole: [] as number[] }
    const times = await allInTurn(rounds, [
      async () => void run([hello], /^hello/, {}, [0], cpu.hello),
      async () => void run([binary, "version"], /^mycelium /, {}, [0], cpu.version),
      async () => void run([binary, "check", "--quick"], /randomness: 100 values/, one.env, [0, 4], cpu.quick),
      async () => void run([binary, "check"], /randomness: 1000 values/, one.env, [0, 4], cpu.whole),
      async () => void run([binary, "status"], /1000 secrets/, many.env),
      read,
    ])
    const [bare = 0, version = 0, quick = 0, whole = 0, status = 0] = times.map(median)
    const [config, files] = [median(parts.config), median(parts.files)]
    const note = `median of ${rounds}`
    // Time by the clock grows with all that the machine does besides; what a program computes hardly does.
    const beside = (mine: readonly number[]): string => `${note}; CPU ${ms(median(mine))} beside ${ms(median(cpu.hello))}`
    const over = (row: string, ours: number, mine: readonly number[], most: number): Row => ({ row, ours: ms(ours), limit: `${ms(bare)} compiled hello`, ratio: ours / bare, aim: `<= hello + ${most} ms`, met: ours <= bare + most, note: beside(mine) })
    return [
      { row: "start: version", ours: ms(version), limit: `${ms(bare)} compiled hello`, ratio: version / bare, aim: "<= 1.3", met: version / bare <= 1.3, note: beside(cpu.version) },
      over("start: check --quick", quick, cpu.quick, 20),
      over("start: check", whole, cpu.whole, 40),
      {
        row: "start: status, 1,000 environments",
        ours: ms(status),
        limit: `${ms(bare + config + files)} hello + config ${ms(config)} + files ${ms(files)}`,
        ratio: status / (bare + config + files),
        aim: "<= hello + config + 1.5 files",
        met: status <= bare + config + 1.5 * files,
        note,
      },
      await sizeRow(root, binary, hello),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function sizeRow(root: string, binary: string, hello: string): Promise<Row> {
  const built = await Bun.build({ entrypoints: [join(root, "src", "main.ts")], target: "bun", minify: true })
  const bundle = built.outputs[0]?.size ?? Number.NaN
  const [ours, bare] = [(await stat(binary)).size, (await stat(hello)).size]
  const { dependencies } = (await Bun.file(join(root, "package.json")).json()) as { readonly dependencies: object }
  const mb = (bytes: number): string => `${(bytes / megabyte).toFixed(2)} MB`
  return { row: "size of the binary", ours: mb(ours), limit: `${mb(bare)} compiled hello`, ratio: ours / bare, aim: "<= hello + 3 MB", met: ours - bare <= 3 * megabyte, note: `minified JavaScript ${mb(bundle)}; ${Object.keys(dependencies).length} dependencies` }
}

/** Runs a program that must end with one of `codes` and print what `says` matches. `cpu` gets the milliseconds that it computed. */
export function run(argv: readonly string[], says: RegExp, env: Readonly<Record<string, string>>, codes: readonly number[] = [0], cpu: number[] = []): string {
  const { exitCode, stdout, stderr, resourceUsage } = Bun.spawnSync([...argv], { env, stdout: "pipe", stderr: "pipe" })
  cpu.push(Number(resourceUsage?.cpuTime.total ?? Number.NaN) / 1000)
  const text = stdout.toString()
  if (!codes.includes(exitCode) || !says.test(text)) throw new Error(`${argv.slice(0, 3).join(" ")} did not do its work (${exitCode}): ${text.slice(0, 300)}${stderr.toString().slice(0, 300)}`)
  return text
}

/** As scripts/build does it. */
export async function compiled(folder: string, name: string, text: string): Promise<string> {
  await writeFile(join(folder, `${name}.ts`), text)
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"]
  const built = Bun.spawnSync([process.execPath, "build", ...flags, `--outfile=${join(folder, name)}`, join(folder, `${name}.ts`)])
  if (built.exitCode !== 0) throw new Error(`${name} was not built: ${built.stderr.toString()}`)
  return join(folder, name)
}

function readerText(root: string): string {
  return `
import { readFileSync } from "node:fs"
import { loadConfig } from ${JSON.stringify(join(root, "src/config/load.ts"))}
import { plugins } from ${JSON.stringify(join(root, "src/cli/open-config.ts"))}
import { parseSchedule } from ${JSON.stringify(join(root, "src/plan/schedule.ts"))}
const [config, ...states] = process.argv.slice(2)
const began = performance.now()
await loadConfig(config, plugins, { env: () => undefined, parseSchedule })
const loaded = performance.now()
let read = 0
for (const state of states) if (JSON.parse(readFileSync(state, "utf8")).format === 1) read++
process.stdout.write(JSON.stringify({ config: loaded - began, files: performance.now() - loaded, read }))
`
}
