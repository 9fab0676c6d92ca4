import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"

/**
 * What a start loads before anything is known of the command: a module of Node's costs a
 * millisecond or more, its streams eight.
 */

const source = join(import.meta.dir, "..", "..", "src")

/** The files and packages that stand behind a file's imports, save types and what is loaded later. */
function behind(entries: readonly string[]): {
  readonly files: ReadonlySet<string>
  readonly packages: ReadonlySet<string>
} {
  const [files, packages] = [new Set<string>(), new Set<string>()]
  const waiting = entries.map((entry) => join(source, entry))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(relative(source, file))) continue
    files.add(relative(source, file))
    const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "")
    for (const [, names = "", from] of text.matchAll(
      /^(?:import|export)\s+(?!type\b)(?:([^"';]*?)\sfrom\s*)?"([^"]+)"/gm,
    )) {
      if (from === undefined || /^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)+\s*\}$/.test(names.trim()))
        continue
      if (from.startsWith(".")) waiting.push(join(dirname(file), from))
      else packages.add(from)
    }
  }
  return { files, packages }
}

test("version loads no package and no module of Node's", () => {
  const { files, packages } = behind(["main.ts", "cli/commands/version.ts"])
  expect([...packages]).toEqual([])
  expect(files.has("cli/main.ts")).toBe(true)
})

test.each(["check", "status", "plan"])(
  "%s loads neither what parses with places, nor cryptography, nor plug-ins that the config does not name",
  (command) => {
    const { files, packages } = behind([`cli/commands/${command}.ts`])
    for (const name of ["yaml", "liquidjs", "age-encryption", "bun:sqlite", "bun:ffi", "node:tls"])
      expect(packages).not.toContain(name)
    expect(
      [...files].filter((file) =>
        /^plugins\/(drivers|outputs|restarters|healths)\/(\w+\/)?index\.ts$/.test(file),
      ),
    ).toEqual([])
    expect(files.has("config/load.ts")).toBe(true)
  },
)

test("the whole check loads neither what rotates, nor modules of Node's that take milliseconds", () => {
  const { files, packages } = behind(["cli/commands/check.ts", "check/deep.ts"])
  for (const name of ["node:crypto", "node:net", "node:tls", "node:child_process", "bun:sqlite"])
    expect(packages).not.toContain(name)
  for (const file of ["rotate/session.ts", "app/environment.ts", "plugins/index.ts"])
    expect([...files]).not.toContain(file)
  expect(files.has("check/sealed.ts")).toBe(true)
})

test.each(["cli/commands/check.ts", "check/deep.ts", "cli/commands/status.ts"])(
  "%s loads nothing that makes a schema before one is asked for",
  (entry) => {
    const { files } = behind([entry])
    // As it is formatted: within a function it would stand further in.
    const making = [...files].filter((file) =>
      /^(?:export )?const (?!.*=>).*= z\b|^ {2}\w+: z\b/m.test(
        readFileSync(join(source, file), "utf8"),
      ),
    )
    expect(making).toEqual([])
  },
)

test("a service that is not asked for metrics, and tells no one, loads nothing of either", () => {
  const { files, packages } = behind(["cli/commands/run.ts"])
  for (const name of ["prom-client", "nodemailer"]) expect(packages).not.toContain(name)
  expect([...files].filter((file) => /^(metrics|notify)\//.test(file))).toEqual([])
  expect(files.has("cli/service-metrics.ts")).toBe(true)
})

test("nobody writes by Node's streams", () => {
  const { files } = behind(["main.ts"])
  const all = new Bun.Glob("**/*.ts").scanSync(source)
  const writing = [...all].filter((file) =>
    /\bprocess\.(stdout|stderr)\b/.test(
      readFileSync(join(source, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ""),
    ),
  )
  expect(writing).toEqual([])
  expect(files.has("cli/writer.ts")).toBe(true)
})
