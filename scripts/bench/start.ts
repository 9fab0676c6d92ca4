import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Row, inTurn, median, ms } from "./measure.ts"

/** `mycelium version` beside a compiled program of one line. */
export async function startRow(binary: string, bun: string, rounds: number): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  try {
    await writeFile(join(folder, "hello.ts"), 'process.stdout.write("hello\\n")\n')
    const hello = join(folder, "hello")
    const built = Bun.spawnSync([bun, "build", "--compile", "--minify", "--bytecode", "--format=esm", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", `--outfile=${hello}`, join(folder, "hello.ts")])
    if (built.exitCode !== 0) throw new Error("the hello program was not built")
    const run = (argv: string[], says: RegExp) => async () => {
      const ended = Bun.spawnSync(argv)
      if (ended.exitCode !== 0 || !says.test(ended.stdout.toString())) throw new Error(`${argv[0]} did not do its work`)
    }
    const times = await inTurn(rounds, run([binary, "version"], /^mycelium /), run([hello], /^hello/))
    const [ours, limit] = [median(times.ours), median(times.limit)]
    return { row: "start: version", ours: ms(ours), limit: `${ms(limit)} (compiled hello)`, ratio: ours / limit, aim: "<= 1.3", met: ours / limit <= 1.3, note: `median of ${rounds}` }
  } finally {
    await rm(folder, { recursive: true })
  }
}
