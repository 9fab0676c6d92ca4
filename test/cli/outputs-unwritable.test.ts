import { describe, expect, test } from "bun:test"
import { linkSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { configOf, rotated, value } from "../support/output-kinds.ts"

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

  test("everything is rolled back, and no draft with the new values stays beside any output", async () => {
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
    "%s is reported at once, and nothing is changed",
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

  test("a folder in the draft's place is reported by its name", async () => {
    await using project = await rotated([file, other])
    mkdirSync(project.path(".env.mycelium-draft"))
    expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain(
      "hint: a folder stands where the draft goes",
    )
  }, 60_000)

  test("check reports another name of a file, which would still show the old value", async () => {
    await using project = await rotated([file, other])
    linkSync(project.path("env"), project.path("copy"))
    expect((await project.mycelium(["check"])).stdout).toContain(
      `output-linked: ${project.path("env")} (an output of production) has 2 names`,
    )
  }, 60_000)
})
