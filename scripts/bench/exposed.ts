import { closeSync, openSync, statSync, writeSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { formsOf } from "../../src/core/forms.ts"
import { ripgrepPrograms } from "../servers/ripgrep.ts"
import { manyEnvironments } from "./many.ts"
import { type Row, allInTurn, median } from "./measure.ts"
import { peakOf, run } from "./start.ts"

const mebibyte = 1 << 20

/**
 * `--exposed-in`: a leaked log in which three of a thousand values stand, each in another form;
 * beside reading it with `cat`, and beside `rg -F` with every form of every value.
 */
export async function exposedRow(
  root: string,
  how: { readonly mebibytes: number; readonly rounds: number },
): Promise<Row> {
  await using many = await manyEnvironments(20, 50, { different: true })
  const forms = many.values.map(formsOf)
  const [log, none, patterns] = [
    join(many.folder, "leaked.log"),
    join(many.folder, "empty.log"),
    join(many.folder, "patterns"),
  ]
  writeLog(log, how.mebibytes, [
    forms[0]?.[0]?.[1] ?? "",
    forms[499]?.at(-1)?.[1] ?? "",
    forms[999]?.find(([name]) => name === "base64")?.[1] ?? "",
  ])
  await writeFile(none, "")
  await writeFile(
    patterns,
    `${[...new Set(forms.flatMap((one) => one.map(([, text]) => text)))].join("\n")}\n`,
    { mode: 0o600 },
  )
  const rg = await ripgrepPrograms()
  const binary = join(root, "dist", "mycelium")
  const argv = (file: string): readonly string[] => [
    binary,
    "rotate-now",
    "--exposed-in",
    file,
    "--dry-run",
  ]
  const times = await allInTurn(how.rounds, [
    async () => void runBoth(argv(log), many.env, 3),
    async () => void runBoth(argv(none), many.env, 0),
    async () => void run(["cat", log], /^/, { PATH: "/usr/bin:/bin" }, [0], [], "ignore"),
    async () =>
      rg.found
        ? void run([join(rg.bin, "rg"), "-F", "-c", "-f", patterns, log], /^3$/m, rg.env)
        : undefined,
  ])
  const [whole = 0, opening = 0, cat = 0, peer = 0] = times.map(median)
  const bytes = statSync(log).size
  const rate = (tookMs: number): string => `${(bytes / 1e6 / tookMs).toFixed(2)} GB/s`
  const ratio = peer / (whole - opening)
  return {
    row: `--exposed-in, ${how.mebibytes} MiB, 1,000 values`,
    ours: `${rate(whole - opening)} (${(whole / 1000).toFixed(1)} s in all)`,
    limit: `${rate(cat)} cat`,
    peer: rg.found
      ? `${rate(peer)} rg ${rg.version} -F with their ` +
        `${(await Bun.file(patterns).text()).split("\n").length - 1} forms`
      : `no rg here: ${rg.why}`,
    ratio,
    aim: ">= rg",
    met: rg.found && ratio >= 1,
    note:
      `median of ${how.rounds}; ${(opening / 1000).toFixed(1)} s of it open 1,000 values and ` +
      `write that into 20 logs; peak ${(peakOf(argv(log), many.env) / 1e6).toFixed(0)} MB`,
  }
}

/** Says which it found on stderr. */
function runBoth(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  found: number,
): void {
  const { exitCode, stderr } = Bun.spawnSync([...argv], { env, stdout: "ignore", stderr: "pipe" })
  const seen = stderr.toString().match(/^exposed .*stands in the text/gm)?.length ?? 0
  if (exitCode !== 0 || seen !== found)
    throw new Error(
      `--exposed-in found ${seen} of ${found} (${exitCode}): ${stderr.toString().slice(0, 300)}`,
    )
}

/** Lines as programs log them; never the same block twice. */
function writeLog(path: string, mebibytes: number, planted: readonly string[]): void {
  const file = openSync(path, "wx", 0o600)
  for (let count = 0; count < mebibytes; count++) {
    let block = ""
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(mebibyte / 16))).toString("hex")
    for (let at = 0; block.length < mebibyte; at = (at + 61) % (noise.length - 64))
      block +=
        `2026-11-24T03:00:${String(at % 60).padStart(2, "0")}Z INFO ` +
        `request=${noise.slice(at, at + 32)} GET /api/v1/orders/${at} 200 ${at % 977}ms ` +
        `user-agent="Mozilla/5.0 (X11; Linux x86_64)"\n`
    const leaked =
      planted[planted.length - Math.ceil(((mebibytes - count) * planted.length) / mebibytes)]
    const here =
      leaked !== undefined &&
      Math.floor((count * planted.length) / mebibytes) !==
        Math.floor(((count - 1) * planted.length) / mebibytes)
    writeSync(file, here ? `${block}connecting with ${leaked}\n` : block)
  }
  closeSync(file)
}
