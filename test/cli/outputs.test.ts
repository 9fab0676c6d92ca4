import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { type Project, json, layOut } from "../support/mycelium.ts"

/**
 * Every kind of output through the binary: what check says when it is not as it was written, and
 * that render mends it.
 */

type Finding = { readonly code: string; readonly severity: string; readonly message: string }

const value = "{{ key.password }}"
const kinds = {
  dotenv: { dotenv: "out/env", variables: { KEY: value, OTHER: "{{ other.password }}" } },
  template: {
    template: "out/redis.conf",
    text: `requirepass ${value}\nmasterauth {{ other.password }}\n`,
  },
  "template, one way": {
    template: "out/one-way",
    text: `{% if true %}${value} {{ other.password | slice: 0, 4 }}{% endif %}\n`,
  },
  json: { json: "out/x.json", variables: { a: { b: value }, c: "{{ other.password }}" } },
  yaml: { yaml: "out/x.yml", variables: { a: { b: value }, c: "{{ other.password }}" } },
  folder: { folder: "out/run", files: { key: value, other: "{{ other.password }}" } },
} as const
const paths: Readonly<Record<keyof typeof kinds, string>> = {
  dotenv: "out/env",
  template: "out/redis.conf",
  "template, one way": "out/one-way",
  json: "out/x.json",
  yaml: "out/x.yml",
  folder: "out/run/key",
}
const names = Object.keys(kinds) as readonly (keyof typeof kinds)[]

function configOf(outputs: readonly object[]): object {
  return {
    project: "shop",
    rotate_every: "90d",
    environments: { production: { secrets: { key: "generated", other: "generated" }, outputs } },
  }
}

async function rotated(outputs: readonly object[] = Object.values(kinds)): Promise<Project> {
  const project = await layOut({ "out/.keep": "" }, configOf(outputs))
  for (const args of [["init"], ["rotate-now", "--all", "--new"]]) await well(project, ...args)
  return project
}

async function well(project: Project, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await project.mycelium(args)
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stdout}${stderr}`)
  return stdout
}

/** By kind: the codes that check has about its file, or about the folder that it is in. */
async function codesOf(
  project: Project,
): Promise<Readonly<Partial<Record<keyof typeof kinds, readonly string[]>>>> {
  const { findings } = json<{ readonly findings: readonly Finding[] }>(
    await project.mycelium(["check", "--json"]),
  )
  const own = findings.filter(
    ({ code }) => /^(output|file)-/.test(code) && code !== "output-not-ignored",
  )
  const of = (name: keyof typeof kinds): readonly string[] =>
    [
      ...new Set(
        own
          .filter(({ message }) =>
            message.includes(project.path(name === "folder" ? "out/run" : paths[name])),
          )
          .map(({ code }) => code),
      ),
    ].sort()
  const all = names.map((name) => [name, of(name)] as const)
  expect(all.flatMap(([, codes]) => codes).length).toBe(
    new Set(
      own.map(
        ({ code, message }) =>
          `${code} ` +
          `${names.find((name) => message.includes(project.path(name === "folder" ? "out/run" : paths[name]))) ?? message}`,
      ),
    ).size,
  )
  return Object.fromEntries(all.filter(([, codes]) => codes.length > 0))
}
const eachOf = <T>(of: (name: keyof typeof kinds) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(names.map((name) => [name, of(name)]))

describe("a whole file", () => {
  test("of every kind is sound after two rotations, and shows the values of the last", async () => {
    await using project = await rotated()
    const first = project.read("out/run/key")
    await well(project, "rotate-now", "production")
    expect(await codesOf(project)).toEqual({})
    const key = project.read("out/run/key")
    expect(key).not.toBe(first)
    for (const path of Object.values(paths)) expect(project.read(path).split(key)).toHaveLength(2)
    expect(await well(project, "render")).not.toContain("written")
  })

  test("of every kind: check tells what was done to it, and render mends it", async () => {
    await using project = await rotated()
    const texts = (): Readonly<Record<string, string>> =>
      eachOf((name) => project.read(paths[name]))
    const older = texts()
    await well(project, "rotate-now", "production")
    const now = texts()
    const mended = async (): Promise<void> => {
      await well(project, "render")
      expect(texts()).toEqual(now)
    }
    for (const name of names) rmSync(project.path(paths[name]))
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "folder" ? "output-incomplete" : "output-missing"]),
    )
    await mended()
    expect(await codesOf(project)).toEqual({})
    for (const name of names) writeFileSync(project.path(paths[name]), older[name] ?? "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-stale"]),
    )
    await mended()
    for (const name of names) chmodSync(project.path(paths[name]), 0o644)
    expect(await codesOf(project)).toEqual(eachOf(() => ["file-open"]))
    await mended()
    for (const name of names) writeFileSync(project.path(paths[name]), "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-incomplete"]),
    )
    await mended()
    for (const name of names) {
      writeFileSync(project.path("same"), now[name] ?? "", { mode: 0o600 })
      renameSync(project.path("same"), project.path(paths[name]))
    }
    expect(await codesOf(project)).toEqual({})
  }, 60_000)

  test("of every kind: an edit that may be the only copy of something stays until somebody decides", async () => {
    await using project = await rotated()
    const key = project.read("out/run/key")
    const edited = eachOf((name) =>
      project.read(paths[name]).replace(key, "Theirs-and-nowhere-else.1"),
    )
    for (const name of names) project.write(paths[name], edited[name] ?? "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-drift"]),
    )
    for (const name of names) {
      const ran = await project.mycelium(["render"])
      expect(ran.code).toBe(1)
      expect(ran.stderr).toContain("is not overwritten")
      expect(ran.stderr).toContain("hint: ")
      expect(`${ran.stdout}${ran.stderr}`).not.toContain("Theirs")
      expect(project.read(paths[name])).toBe(edited[name] ?? "")
      renameSync(project.path(paths[name]), project.path("moved"))
    }
    await well(project, "render")
    expect(await codesOf(project)).toEqual({})
  }, 60_000)

  test("written by an older template is overwritten by a newer one", async () => {
    await using project = await rotated()
    const text = `# more\nrequirepass ${value}\n`
    project.configure(
      configOf([
        { ...kinds.template, text },
        { ...kinds.json, variables: { d: value } },
      ]),
    )
    await well(project, "render")
    const key = project.read("out/run/key")
    expect([project.read("out/redis.conf"), JSON.parse(project.read("out/x.json"))]).toEqual([
      `# more\nrequirepass ${key}\n`,
      { d: key },
    ])
    project.write("redis.liquid", `requirepass ${value}`)
    project.configure(configOf([{ template: "out/redis.conf", from: "redis.liquid" }]))
    expect(await well(project, "render")).toContain("out/redis.conf: written: contents")
    expect(project.read("out/redis.conf")).toBe(`requirepass ${key}`)
    project.write("redis.liquid", `requirepass ${value}`, 0o666)
    expect((await project.mycelium(["render"])).code).toBe(3)
  })
})

test("adopt takes values from every kind that can be read backwards, and says of the other that it cannot", async () => {
  for (const name of names) {
    await using project = await layOut({}, configOf([kinds[name]]))
    const [key, other] = ["Adopted-key.1", "Adopted-other.1"]
    const before: Readonly<Record<keyof typeof kinds, string>> = {
      dotenv: `KEY=${key}\nOTHER=${other}\n`,
      template: `requirepass ${key}\nmasterauth ${other}\n`,
      "template, one way": `${key} ${other.slice(0, 4)}\n`,
      json: JSON.stringify({ a: { b: key }, c: other }),
      yaml: `{ a: { b: ${key} }, c: '${other}' }`,
      folder: `${key}\n`,
    }
    project.write(paths[name], before[name])
    if (name === "folder") project.write("out/run/other", other)
    await well(project, "init")
    const ran = await project.mycelium(["adopt", "production", "--json"])
    const { results } = json<{
      readonly results: Readonly<
        Record<string, { readonly kind: string; readonly code?: string; readonly message?: string }>
      >
    }>(ran)
    if (name === "template, one way")
      expect(results["key"]).toMatchObject({
        kind: "refused",
        code: "adopt-untold",
        message: `${project.path("out/one-way")} shows it through a template that cannot be read backwards`,
      })
    else {
      expect(Object.values(results).map(({ kind }) => kind)).toEqual(["adopted", "adopted"])
      await well(project, "rotate-now", "production")
      expect(project.read(paths[name])).not.toContain(key)
    }
  }
}, 60_000)

test("delete takes a secret out of every kind, and the last one takes the files", async () => {
  await using project = await rotated()
  const key = project.read("out/run/key")
  const other = project.read("out/run/other")
  await well(project, "delete", "production/key", "--yes")
  for (const path of ["out/env", "out/x.json", "out/x.yml", "out/run/other"])
    expect([project.read(path).includes(key), project.read(path).includes(other)]).toEqual([
      false,
      true,
    ])
  for (const path of ["out/redis.conf", "out/one-way", "out/run/key"])
    expect(project.has(path)).toBe(false)
  await well(project, "delete", "production/other", "--yes")
  for (const path of Object.values(paths)) expect(project.has(path)).toBe(false)
})

const why = whyNotMounted()

function whyNotMounted(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root"
  if (Bun.which("unshare") === null) return "needs unshare"
  const namespaces = Bun.spawnSync(["unshare", "-m", "true"]).exitCode === 0
  return namespaces ? undefined : "no mount namespaces here"
}

describe.skipIf(why !== undefined)(
  `a file that is mounted by itself${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    /** Runs it where `out/env` is a mount of `real`, as in a container with a mount of the single file. */
    const mounted = (
      project: Project,
      ...args: readonly string[]
    ): ReturnType<Project["mycelium"]> =>
      project.mycelium(args, {
        under: ["unshare", "-m", "sh", "-c", 'mount --bind real out/env && exec "$@"', "sh"],
      })

    test("is refused before any value exists, and found by check", async () => {
      await using project = await rotated([kinds.dotenv])
      project.write("real", project.read("out/env"))
      const ran = await mounted(project, "rotate-now", "production")
      expect(ran.code).toBe(1)
      expect(`${ran.stdout}${ran.stderr}`).toContain(
        "is mounted by itself, so it cannot be replaced as a whole",
      )
      expect(`${ran.stdout}${ran.stderr}`).toContain("mount its folder instead")
      expect(project.read("real")).toBe(project.read("out/env"))
      const { findings } = json<{ readonly findings: readonly Finding[] }>(
        await mounted(project, "check", "--json"),
      )
      expect(findings.map(({ code }) => code)).toContain("output-is-mount")
    })

    test("is written in place where the config says so, and keeps its inode", async () => {
      await using project = await rotated([{ ...kinds.dotenv, in_place: true }])
      project.write("real", project.read("out/env"))
      const inode = statSync(project.path("real")).ino
      const before = project.read("real")
      const ran = await mounted(project, "rotate-now", "production")
      expect(ran.code).toBe(0)
      expect(project.read("real")).not.toBe(before)
      expect(statSync(project.path("real")).ino).toBe(inode)
      const { findings } = json<{ readonly findings: readonly Finding[] }>(
        await mounted(project, "check", "--json"),
      )
      expect(
        findings.filter(({ code }) => code.startsWith("output-")).map(({ code }) => code),
      ).toEqual(["output-in-place"])
    })

    test("in another's namespace is found by check", async () => {
      await using project = await rotated([kinds.dotenv])
      project.write("inside", "")
      const child = Bun.spawn(
        ["unshare", "-m", "sh", "-c", "mount --bind out/env inside && echo mounted && exec cat"],
        { cwd: project.folder, stdin: "pipe", stdout: "pipe" },
      )
      try {
        await child.stdout.getReader().read()
        expect(await codesOf(project)).toEqual({ dotenv: ["output-mounted-alone"] })
        await well(project, "rotate-now", "production")
        expect(readFileSync(`/proc/${child.pid}/root${project.path("inside")}`, "utf8")).not.toBe(
          project.read("out/env"),
        )
        expect(await codesOf(project)).toEqual({ dotenv: ["output-mounted-alone"] })
      } finally {
        child.kill("SIGKILL")
        await child.exited
      }
    })

    test("of another owner is told, and render gives it back", async () => {
      await using project = await rotated([{ ...kinds.dotenv, owner: "4242:4243" }])
      chmodSync(project.root, 0o711)
      for (const folder of [project.folder, project.path("out")]) chmodSync(folder, 0o711)
      chownSync(project.path("out/env"), 0, 0)
      expect(await codesOf(project)).toEqual({ dotenv: ["file-owner"] })
      await well(project, "render")
      expect([
        statSync(project.path("out/env")).uid,
        statSync(project.path("out/env")).gid,
      ]).toEqual([4242, 4243])
    })
  },
)

describe("a place where no file can be put", () => {
  const [file, other] = [
    { dotenv: "env", variables: { KEY: value } },
    { json: "x.json", variables: { a: value } },
  ]

  /** Root's own way to keep a file from being replaced. */
  function freeze(path: string, how: "+i" | "-i"): boolean {
    return (
      Bun.which("chattr") !== null &&
      Bun.spawnSync(["chattr", how, path], { stdout: "ignore", stderr: "ignore" }).success
    )
  }

  test("all goes back, and no draft with the new values stays beside any output", async () => {
    await using project = await rotated([file, other])
    // Where that cannot be done there is nothing to see.
    if (!freeze(project.path("env"), "+i")) return
    try {
      const before = [project.read("env"), project.read("x.json")]
      expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain(
        "went back to the old value",
      )
      expect([project.read("env"), project.read("x.json")]).toEqual(before)
      expect(readdirSync(project.folder).filter((name) => name.includes("draft"))).toEqual([])
    } finally {
      freeze(project.path("env"), "-i")
    }
  }, 60_000)

  test.each([
    ["a pipe", ["mkfifo"], "is not a regular file (file-irregular)"],
    ["a folder", ["mkdir"], "is not a regular file (file-irregular)"],
    [
      "a socket",
      ["python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"],
      "is not a regular file (file-irregular)",
    ],
    ["a link", ["ln", "-s", "x.json"], "is a symbolic link (file-is-link)"],
  ])(
    "%s is told at once, and nothing is changed",
    async (_, make, message) => {
      await using project = await rotated([file, other])
      rmSync(project.path("env"))
      // By a relative name: that of a socket is short.
      Bun.spawnSync([...make, "env"], { cwd: project.folder })
      const before = project.read("x.json")
      const ran = await project.mycelium(["rotate-now", "production/key"], { withinMs: 20_000 })
      expect([ran.code, ran.stdout]).toEqual([1, expect.stringContaining(message)])
      expect(project.read("x.json")).toBe(before)
      expect(readdirSync(project.folder).sort()).toEqual(["env", "mycelium.yaml", "out", "x.json"])
    },
    60_000,
  )

  test.each([
    ["env/x", "what should be a folder above it is a file"],
    ["x".repeat(250), "its name is too long"],
  ])(
    "%s gets a hint",
    async (path, message) => {
      await using project = await rotated([file, other])
      project.configure(configOf([file, other, { ...file, dotenv: path }]))
      expect((await project.mycelium(["rotate-now", "production/key"])).stdout).toContain(
        `hint: ${message}`,
      )
    },
    60_000,
  )

  test("a folder in the draft's place is told by that name", async () => {
    await using project = await rotated([file, other])
    mkdirSync(project.path(".env.mycelium-draft"))
    expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain(
      "hint: a folder stands where the draft goes",
    )
  }, 60_000)

  test("check tells of another name of a file, which would go on showing the old value", async () => {
    await using project = await rotated([file, other])
    linkSync(project.path("env"), project.path("copy"))
    expect((await project.mycelium(["check"])).stdout).toContain(
      `output-linked: ${project.path("env")} (an output of production) has 2 names`,
    )
  }, 60_000)
})
