import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { draftPath } from "../../../../src/base/files/draft-file.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { type Kind, deliver, fresh } from "../conformance/harness.ts"
import { replaced } from "../conformance/kinds.ts"
import type { Report } from "./watch.ts"

/**
 * While outputs are written again and again, others look as fast as they can: no reader ever sees half
 * a file, one of another owner, or one that is open to others. scripts/observe runs it with 1,000
 * rotations.
 */
const rotations = Number(process.env["OBSERVED_ROTATIONS"] ?? 40)
const asRoot = process.geteuid?.() === 0
const [uid, gid] = asRoot ? [4242, 4243] : [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]

class Watch {
  readonly #child
  readonly #ready = Promise.withResolvers<undefined>()
  readonly #report: Promise<Report>
  enough = false
  constructor(files: readonly string[]) {
    this.#child = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "watch.ts"),
        ...files.flatMap((file) => [file, draftPath(file)]),
      ],
      { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    )
    this.#report = this.#follow(this.#child.stdout)
  }
  async #follow(stream: ReadableStream<Uint8Array>): Promise<Report> {
    for await (const line of linesOf(stream)) {
      if (line === "ready") this.#ready.resolve(undefined)
      else if (line === "enough") this.enough = true
      else return JSON.parse(line) as Report
    }
    throw new Error("the watcher said nothing")
  }
  ready(): Promise<undefined> {
    return this.#ready.promise
  }
  async end(): Promise<Report> {
    await this.#child.stdin.end()
    return this.#report
  }
  kill(): void {
    this.#child.kill("SIGKILL")
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ""
  for await (const chunk of stream) {
    const lines = `${rest}${Buffer.from(chunk).toString()}`.split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
}

/**
 * Another user's process that tries to open the files and their drafts, until `stop` exists;
 * resolves to [tries, successes].
 */
function intruder(files: readonly string[], stop: string): Promise<readonly [number, number]> {
  const script =
    'n=0; got=0; stop="$1"; shift; while [ ! -e "$stop" ]; do for f in "$@"; ' +
    'do n=$((n+1)); if { :; } 2> /dev/null < "$f"; then got=$((got+1)); fi; done; done; ' +
    'echo "$n $got"'
  const child = Bun.spawn(
    ["/bin/sh", "-c", script, "sh", stop, ...files.flatMap((file) => [file, draftPath(file)])],
    { uid: 65_534, gid: 65_534, stdout: "pipe", stderr: "ignore" },
  )
  return child.stdout.text().then((text) => {
    const [tries = 0, got = 0] = text.trim().split(" ").map(Number)
    return [tries, got]
  })
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

async function observe(
  kind: Kind,
  folder: string,
): Promise<{
  readonly report: Report
  readonly written: ReadonlySet<string>
  readonly intruded: readonly [number, number]
}> {
  chmodSync(folder, 0o711)
  const files = kind.files.map((file) => join(folder, file))
  const options = asRoot ? { owner: `${uid}:${gid}` } : {}
  let now = fresh("user-0")
  await deliver(kind.open(folder, options), now)
  // The folder of secrets is closed to others; here its files alone must keep them out.
  if (kind.files.some((file) => file.includes("/"))) chmodSync(join(folder, "run"), 0o711)
  const written = new Set(files.map((file) => hashOf(readFileSync(file))))
  const watch = new Watch(files)
  try {
    await watch.ready()
    const stop = join(folder, "stop")
    const intruding = asRoot ? intruder(files, stop) : Promise.resolve([0, 0] as const)
    for (let round = 1; round <= rotations || !watch.enough; round++) {
      const next = fresh(`user-${round}`)
      const output = kind.open(folder, options)
      await deliver(output, next, now)
      for (const file of files) written.add(hashOf(readFileSync(file)))
      now = next
    }
    const report = await watch.end()
    writeFileSync(stop, "")
    const intruded = await intruding
    rmSync(stop)
    return { report, written, intruded }
  } finally {
    watch.kill()
  }
}

describe(`while ${rotations} versions are delivered`, () => {
  for (const [name, kind] of Object.entries(replaced)) {
    test(`${name}: no reader sees half a file, another owner, an open mode, or a draft that stays`, async () => {
      await using folder = await temporaryFolder()
      const { report, written, intruded } = await observe(kind, folder.path)
      // For scripts/observe, which is run for the figures.
      if (process.env["OBSERVED_ROTATIONS"] !== undefined)
        process.stdout.write(
          `${name}: ${rotations} rotations, ${report.polls} looks by its reader at ` +
            `${kind.files.length} file(s), ` +
            `${new Set(report.seen.map(({ sha256 }) => sha256)).size} contents seen; ` +
            `another user: ${intruded[0]} tries, ${intruded[1]} successes\n`,
        )
      expect(report.polls).toBeGreaterThan(50)
      expect(report.missing).toBe(0)
      expect(report.seen.filter(({ sha256 }) => !written.has(sha256))).toEqual([])
      expect(
        report.seen.filter((one) => one.uid !== uid || one.gid !== gid || one.mode !== 0o600),
      ).toEqual([])
      expect(report.drafts.filter(({ mode }) => mode !== 0o600)).toEqual([])
      expect(intruded[1]).toBe(0)
      if (asRoot) expect(intruded[0]).toBeGreaterThan(50)
      expect(
        readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((file) =>
          file.includes("mycelium"),
        ),
      ).toEqual([])
    }, 600_000)
  }

  test("a watcher sees half a file, an open mode and a missing one, where there is one", async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, "file")
    writeFileSync(path, "half", { mode: 0o644 })
    const watch = new Watch([path, join(folder.path, "none")])
    await watch.ready()
    const report = await watch.end()
    expect(report.seen.map(({ sha256, mode }) => [sha256, mode])).toEqual([
      [hashOf(Buffer.from("half")), 0o644],
    ])
    expect(report.missing).toBeGreaterThan(0)
    watch.kill()
  })
})
