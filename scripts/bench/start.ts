import { mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { manyEnvironments } from "./many.ts"
import { type Row, allInTurn, median, ms } from "./measure.ts"
import { startOpenBao } from "./openbao.ts"

const megabyte = 1_000_000

/**
 * Starts of the binary beside a compiled program of one line (`console.log`, which loads none of
 * Node's streams), and its size.
 */
export async function startRows(root: string, rounds: number): Promise<readonly Row[]> {
  const binary = join(root, "dist", "mycelium")
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  try {
    const hello = await compiled(folder, "hello", 'console.log("hello")\n')
    await using one = await manyEnvironments(1)
    await using many = await manyEnvironments(1000)
    // What `status` cannot do without: our loader, and the state files, read and parsed by the
    // plainest calls.
    const reader = await compiled(folder, "reader", readerText(root))
    const parts = { config: [] as number[], files: [] as number[] }
    const read = async (): Promise<void> => {
      const said = JSON.parse(run([reader, many.config, ...many.states], /^\{/, {})) as {
        readonly config: number
        readonly files: number
        readonly read: number
      }
      if (said.read !== 1000) throw new Error("the reader did not read every state")
      parts.config.push(said.config)
      parts.files.push(said.files)
    }
    await using peers = await statusPeers(many.states)
    const cpu = {
      hello: [] as number[],
      version: [] as number[],
      quick: [] as number[],
      whole: [] as number[],
    }
    const peak = {
      hello: peakOf([hello], {}),
      version: peakOf([binary, "version"], {}),
      quick: peakOf([binary, "check", "--quick"], one.env),
      whole: peakOf([binary, "check"], one.env),
      status: peakOf([binary, "status"], many.env),
    }
    const times = await allInTurn(rounds, [
      async () => void run([hello], /^hello/, {}, [0], cpu.hello),
      async () => void run([binary, "version"], /^mycelium /, {}, [0], cpu.version),
      async () =>
        void run(
          [binary, "check", "--quick"],
          /randomness: 100 values/,
          one.env,
          [0, 4],
          cpu.quick,
        ),
      async () =>
        void run([binary, "check"], /randomness: 1000 values/, one.env, [0, 4], cpu.whole),
      async () => void run([binary, "status"], /1000 secrets/, many.env),
      read,
      peers.python,
      peers.bao,
    ])
    const [bare = 0, version = 0, quick = 0, whole = 0, status = 0, , python = 0, bao = 0] =
      times.map(median)
    const [config, files] = [median(parts.config), median(parts.files)]
    const note = `median of ${rounds}`
    // Time by the clock grows with all that the machine does besides; what a program computes hardly does.
    const beside = (which: "version" | "quick" | "whole"): string =>
      `${note}; CPU ${ms(median(cpu[which]))} beside ${ms(median(cpu.hello))}; ` +
      `peak ${mb(peak[which])} beside ${mb(peak.hello)}`
    const over = (row: string, ours: number, which: "quick" | "whole", most: number): Row => ({
      row,
      ours: ms(ours),
      limit: `${ms(bare)} compiled hello`,
      ratio: ours / bare,
      aim: `<= hello + ${most} ms`,
      met: ours <= bare + most,
      note: beside(which),
    })
    return [
      {
        row: "start: version",
        ours: ms(version),
        limit: `${ms(bare)} compiled hello`,
        ratio: version / bare,
        aim: "<= 1.3",
        met: version / bare <= 1.3,
        note: beside("version"),
      },
      over("start: check --quick", quick, "quick", 20),
      over("start: check", whole, "whole", 40),
      {
        row: "start: status, 1,000 environments",
        ours: ms(status),
        limit: `${ms(bare + config + files)} hello + config ${ms(config)} + files ${ms(files)}`,
        ratio: status / (bare + config + files),
        aim: "<= hello + 80 ms",
        met: status <= bare + 80,
        peer:
          `${ms(python)} Python: the files alone, ` +
          "no " +
          `config${peers.why === undefined ? `; ${ms(bao)} bao status, of one server` : `; no OpenBao here: ${peers.why}`}`,
        note: `${note}; peak ${mb(peak.status)}`,
      },
      await sizeRow(root, binary, hello),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function sizeRow(root: string, binary: string, hello: string): Promise<Row> {
  const built = await Bun.build({
    entrypoints: [join(root, "src", "main.ts")],
    target: "bun",
    minify: true,
  })
  const bundle = built.outputs[0]?.size ?? Number.NaN
  const [ours, bare] = [(await stat(binary)).size, (await stat(hello)).size]
  const { dependencies } = (await Bun.file(join(root, "package.json")).json()) as {
    readonly dependencies: object
  }
  return {
    row: "size of the binary",
    ours: mb(ours),
    limit: `${mb(bare)} compiled hello`,
    ratio: ours / bare,
    aim: "<= hello + 3 MB",
    met: ours - bare <= 3 * megabyte,
    note: `minified JavaScript ${mb(bundle)}; ${Object.keys(dependencies).length} dependencies`,
  }
}

function mb(bytes: number): string {
  return `${(bytes / megabyte).toFixed(2)} MB`
}

/**
 * What one would use instead: a script of one's own over the same files, and the word of OpenBao
 * about itself.
 */
async function statusPeers(
  states: readonly string[],
): Promise<
  { readonly why?: string; python(): Promise<void>; bao(): Promise<void> } & AsyncDisposable
> {
  const bao = await startOpenBao()
  const python = async (): Promise<void> =>
    void run(
      ["python3", "-c", seedStatus, dirname(states[0] ?? "")],
      new RegExp(`^${states.length} secrets`, "m"),
      { PATH: "/usr/bin:/bin" },
    )
  if ("why" in bao)
    return {
      why: bao.why,
      python,
      bao: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }
  return {
    python,
    bao: async () => void run([...bao.argv, "status"], /Sealed +false/, bao.env),
    [Symbol.asyncDispose]: () => bao[Symbol.asyncDispose](),
  }
}

const seedStatus = `
import datetime, json, os, sys
now, count = datetime.datetime.now(datetime.timezone.utc), 0
for name in sorted(os.listdir(sys.argv[1])):
    if not name.endswith(".json"): continue
    with open(os.path.join(sys.argv[1], name)) as f: state = json.load(f)
    for secret, one in state["secrets"].items():
        age = now - datetime.datetime.fromisoformat(one["rotatedAt"].replace("Z", "+00:00"))
        print(f"{state['environment']:34}{secret:20}{one['driver']:12}{age.days}d of 90d")
        count += 1
print(f"{count} secrets")
`

/**
 * Runs a program that must end with one of `codes` and print what `message` matches. `cpu` gets the
 * milliseconds that it computed
 */
export function run(
  argv: readonly string[],
  message: RegExp,
  env: Readonly<Record<string, string>>,
  codes: readonly number[] = [0],
  cpu: number[] = [],
  out: "pipe" | "ignore" = "pipe",
): string {
  const { exitCode, stdout, stderr, resourceUsage } = Bun.spawnSync([...argv], {
    env,
    stdout: out,
    stderr: "pipe",
  })
  cpu.push(Number(resourceUsage?.cpuTime.total ?? Number.NaN) / 1000)
  const text = stdout?.toString() ?? ""
  if (!codes.includes(exitCode) || !message.test(text))
    throw new Error(
      `${argv.slice(0, 3).join(" ")} did not do its work (${exitCode}): ` +
        `${text.slice(0, 300)}${stderr.toString().slice(0, 300)}`,
    )
  return text
}

/**
 * The bytes that a program held at most. What the system says of our own child counts what we held
 * before it was another program, so a small one starts it.
 */
export function peakOf(argv: readonly string[], env: Readonly<Record<string, string>>): number {
  const { stdout } = Bun.spawnSync(["python3", "-c", askPeak, ...argv], {
    env: { PATH: "/usr/bin:/bin", ...env },
    stdout: "pipe",
    stderr: "inherit",
  })
  return Number(stdout.toString()) * 1024
}

const askPeak = `
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
`

/** As scripts/build does it. */
export async function compiled(folder: string, name: string, text: string): Promise<string> {
  await writeFile(join(folder, `${name}.ts`), text)
  const flags = [
    "--compile",
    "--minify",
    "--bytecode",
    "--splitting",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ]
  const built = Bun.spawnSync([
    process.execPath,
    "build",
    ...flags,
    `--outfile=${join(folder, name)}`,
    join(folder, `${name}.ts`),
  ])
  if (built.exitCode !== 0) throw new Error(`${name} was not built: ${built.stderr.toString()}`)
  return join(folder, name)
}

function readerText(root: string): string {
  return `
import { readFileSync } from "node:fs"
import { loadConfig } from ${JSON.stringify(join(root, "src/config/load.ts"))}
import { plugins } from ${JSON.stringify(join(root, "src/plugins/index.ts"))}
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
