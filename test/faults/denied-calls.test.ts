import { describe, expect, test } from "bun:test"
import { chownSync } from "node:fs"
import { type Call, denying, whyNoFilter } from "../support/denied-calls.ts"
import { json, layOut } from "../support/mycelium.ts"

/**
 * Where a filter of system calls (a unit's, a container's) denies what we would like to have, all
 * goes on, and check says what is missing.
 */

const why = whyNoFilter()
const skipped = why === undefined ? "" : ` (skipped: ${why})`
const config = {
  project: "shop",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: { key: "generated" },
      outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      deployments: { api: { command: ["true"] } },
    },
  },
}
const commands = [
  ["init"],
  ["rotate-now", "production", "--new"],
  ["rotate-now", "production"],
  ["status"],
  ["plan"],
  ["check", "--quick"],
  ["check"],
  ["audit", "verify"],
  ["render"],
  ["run", "--once"],
]

type Finding = { readonly code: string; readonly severity: string }

describe.skipIf(why !== undefined)(`where a filter denies system calls${skipped}`, () => {
  const sets: readonly (readonly Call[])[] = [
    ["prctl"],
    ["statfs"],
    [
      "membarrier",
      "rseq",
      "io_uring_setup",
      "landlock_create_ruleset",
      "memfd_create",
      "pidfd_open",
      "close_range",
      "sched_setaffinity",
      "madvise",
      "copy_file_range",
      "fallocate",
    ],
  ]
  for (const calls of sets) {
    test(`every command works without ${calls.join(", ")}`, async () => {
      await using project = await layOut({}, config)
      for (const args of commands) {
        const { code, stderr } = await project.mycelium(args, { under: denying(...calls) })
        expect([args, code, code === 0 ? "" : stderr]).toEqual([args, 0, ""])
      }
    }, 60_000)
  }

  test("check says once that memory could not be closed, and says nothing of it where it could", async () => {
    await using project = await layOut({}, config)
    expect((await project.mycelium(["init"])).code).toBe(0)
    const found = async (under: readonly string[]): Promise<readonly Finding[]> =>
      json<{ readonly findings: readonly Finding[] }>(
        await project.mycelium(["check", "--json"], { under }),
      ).findings.filter(({ code }) => ["memory-readable", "core-dumps"].includes(code))
    expect(await found([])).toEqual([])
    expect(
      (await found(denying("prctl"))).map(({ code, severity }) => `${severity} ${code}`),
    ).toEqual(["info memory-readable"])
  }, 30_000)

  test.skipIf(process.geteuid?.() !== 0)(
    "that a file cannot be given away, though this user may, is said as it is, before anything is touched",
    async () => {
      await using project = await layOut({}, config)
      for (const args of [["init"], ["rotate-now", "production", "--new"]])
        expect((await project.mycelium(args)).code).toBe(0)
      chownSync(project.path(".env"), 4242, 4343)
      const before = project.read(".env")
      const ran = await project.mycelium(["rotate-now", "production"], { under: denying("fchown") })
      expect([ran.code, ran.stdout]).toEqual([
        1,
        expect.stringContaining(
          "which this user may give it, but the system denies the call (chown) itself",
        ),
      ])
      expect(project.read(".env")).toBe(before)
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    },
    30_000,
  )
})
