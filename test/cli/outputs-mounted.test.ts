import { describe, expect, test } from "bun:test"
import { chmodSync, chownSync, readFileSync, statSync } from "node:fs"
import { type Project, json } from "../support/mycelium.ts"
import { type Finding, codesOf, kinds, rotated } from "../support/output-kinds.ts"
import { succeed } from "../support/one-secret.ts"

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

    test("is written in place if the config says so, and keeps its inode", async () => {
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

    test("in the namespace of another process is found by check", async () => {
      await using project = await rotated([kinds.dotenv])
      project.write("inside", "")
      const child = Bun.spawn(
        ["unshare", "-m", "sh", "-c", "mount --bind out/env inside && echo mounted && exec cat"],
        { cwd: project.folder, stdin: "pipe", stdout: "pipe" },
      )
      try {
        await child.stdout.getReader().read()
        expect(await codesOf(project)).toEqual({ dotenv: ["output-mounted-alone"] })
        await succeed(project, "rotate-now", "production")
        expect(readFileSync(`/proc/${child.pid}/root${project.path("inside")}`, "utf8")).not.toBe(
          project.read("out/env"),
        )
        expect(await codesOf(project)).toEqual({ dotenv: ["output-mounted-alone"] })
      } finally {
        child.kill("SIGKILL")
        await child.exited
      }
    })

    test("of another owner is reported, and render gives it back", async () => {
      await using project = await rotated([{ ...kinds.dotenv, owner: "4242:4243" }])
      chmodSync(project.root, 0o711)
      for (const folder of [project.folder, project.path("out")]) chmodSync(folder, 0o711)
      chownSync(project.path("out/env"), 0, 0)
      expect(await codesOf(project)).toEqual({ dotenv: ["file-owner"] })
      await succeed(project, "render")
      expect([
        statSync(project.path("out/env")).uid,
        statSync(project.path("out/env")).gid,
      ]).toEqual([4242, 4243])
    })
  },
)
