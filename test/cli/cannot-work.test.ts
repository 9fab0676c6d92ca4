import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { json, layOut, type Project } from "../support/mycelium.ts"
import { SmallDisk, whyNoDisk } from "../support/small-disk.ts"

/**
 * Where nothing can work, check and status say so: no file can be written, a state is older than
 * its log, no identity, a wrong clock.
 */

const config = {
  project: "shop",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: { key: "generated" },
      outputs: [{ dotenv: "disk/.env", variables: { KEY: "{{ key.password }}" } }],
    },
  },
}

async function begin(more: object = {}): Promise<Project> {
  const project = await layOut({}, { ...config, ...more })
  return project
}

async function first(project: Project): Promise<void> {
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) {
    const { code, stdout, stderr } = await project.mycelium(args)
    expect({ code, said: `${stdout}${stderr}` }).toMatchObject({ code: 0 })
  }
}

async function expectQuick(project: Project, code: string): Promise<void> {
  const quick = await project.mycelium(["check", "--quick"])
  expect(quick.stdout).toContain(`FAIL  ${code}: `)
  expect(quick.code).toBe(4)
  await expectStatus(project, code)
}

async function expectStatus(project: Project, code: string): Promise<void> {
  const { stdout } = await project.mycelium(["status"])
  expect(stdout).toContain(`! ${code}: `)
  expect(stdout).not.toContain("none needs attention")
  const { alarms } = json<{ readonly alarms: readonly { readonly code: string }[] }>(
    await project.mycelium(["status", "--json"]),
  )
  expect(alarms.map((one) => one.code)).toEqual([code])
}

async function expectWell(project: Project): Promise<void> {
  expect((await project.mycelium(["check", "--quick"])).code).toBe(0)
  const { stdout } = await project.mycelium(["status"])
  expect(stdout).toContain("none needs attention")
}

describe.skipIf(whyNoDisk !== undefined)(
  `a disk${whyNoDisk === undefined ? "" : ` (skipped: ${whyNoDisk})`}`,
  () => {
    test.each([
      ["that is full", "has no room"],
      ["that is read-only", "EROFS"],
    ] as const)("of an output %s is no place that is well", async (how, message) => {
      await using project = await begin()
      using disk = new SmallDisk(project.path("disk"))
      await first(project)
      expect((await project.mycelium(["check"])).stdout).not.toContain("output-unwritable")
      if (how === "that is full") disk.fill()
      else disk.readOnly()
      const ran = await project.mycelium(["check"])
      expect(ran.stdout).toContain("FAIL  output-unwritable: ")
      expect(ran.stdout).toContain(message)
      expect(ran.stdout).not.toContain("outputs can be replaced where they lie")
      expect(ran.code).toBe(4)
    })

    test("of the store that is full, or read-only, is told at once, without a key", async () => {
      await using project = await begin({ store: "store-disk/store" })
      project.write("disk/.keep", "")
      using disk = new SmallDisk(project.path("store-disk"))
      await first(project)
      await expectWell(project)
      disk.fill()
      await expectQuick(project, "store-full")
      const whole = await project.mycelium(["check"])
      expect(whole.stdout).toContain("FAIL  store-full: ")
      expect(whole.stdout).not.toContain("disk-full")
      disk.empty()
      await expectWell(project)
      // Room for the lock, and for nothing else: nothing can be noted either.
      disk.fill(1)
      await expectQuick(project, "store-full")
      disk.empty()
      disk.readOnly()
      await expectQuick(project, "store-unwritable")
      disk.writable()
      await expectWell(project)
    })

    test.each([
      ["not even for the lock", 0],
      ["for the lock alone", 1],
    ] as const)(
      "of the store with room %s: a containment says that nothing will remind of it",
      async (_, pages) => {
        await using project = await begin({ store: "store-disk/store" })
        project.write("disk/.keep", "")
        using disk = new SmallDisk(project.path("store-disk"))
        await first(project)
        disk.fill(pages)
        const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]
        const ran = await project.mycelium(contain)
        expect(ran.stdout).toContain(
          "production: what is NOT contained could not be noted in the state: " +
            "status and check will not remind you",
        )
        // No log knows of it.
        expect(ran.stdout).not.toContain("mycelium report")
        expect(ran.code).toBe(7)
        const told = json<{ reports: readonly { unnoted?: true }[] }>(
          await project.mycelium([...contain, "--json"]),
        )
        expect(told.reports.map(({ unnoted }) => unnoted)).toEqual([true])
        disk.empty()
        expect((await project.mycelium(contain)).code).toBe(0)
      },
    )
  },
)

test("a folder that does not exist is no place that is well", async () => {
  await using project = await begin()
  await project.mycelium(["init"])
  const { stdout, code } = await project.mycelium(["check"])
  expect(stdout).toContain("its folder does not exist")
  expect(code).toBe(4)
  // It is what a rotation would say.
  expect((await project.mycelium(["rotate-now", "production", "--new"])).stdout).toContain(
    "(output-folder-missing)",
  )
})

test("a state that is older than its log, or is gone, is told without a key", async () => {
  await using project = await begin()
  project.write("disk/.keep", "")
  await first(project)
  const before = readFileSync(project.statePath())
  expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  await expectWell(project)
  const now = readFileSync(project.statePath())
  writeFileSync(project.statePath(), before)
  await expectQuick(project, "state-older")
  rmSync(project.statePath())
  await expectQuick(project, "state-older")
  writeFileSync(project.statePath(), now, { mode: 0o600 })
  await expectWell(project)
  rmSync(project.auditPath())
  await expectQuick(project, "state-older")
})

test("a missing identity is told by status, too", async () => {
  await using project = await begin()
  project.write("disk/.keep", "")
  await first(project)
  renameSync(project.identityFile, `${project.identityFile}.away`)
  expect(existsSync(project.identityFile)).toBe(false)
  await expectQuick(project, "identity-missing")
})

test("a state of the future is told by status, too: the clock is wrong, or was", async () => {
  await using project = await begin()
  project.write("disk/.keep", "")
  await first(project)
  const document = JSON.parse(readFileSync(project.statePath(), "utf8")) as {
    secrets: { key: { rotatedAt: string } }
  }
  document.secrets.key.rotatedAt = new Date(Date.now() + 40 * 86_400_000).toISOString()
  writeFileSync(project.statePath(), JSON.stringify(document))
  await expectQuick(project, "clock-wrong")
})
