import { describe, expect, test } from "bun:test"
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { appendLine } from "../../src/core/audit-line.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { type Project, json } from "../support/mycelium.ts"
import { house } from "../support/forged-store.ts"

/** A log or a state that was edited, or planted, and what a report says of it. */

describe("a report", () => {
  const contain = (name: string): readonly string[] => [
    "rotate-now",
    "production",
    "--contain",
    "--yes",
    "--incident",
    name,
  ]

  /**
   * An incident that was contained once, and stands a second time under another name: state and log
   * match.
   */
  async function toldTwice(): Promise<Project> {
    const project = await house()
    expect((await project.mycelium(contain("real"))).code).toBe(0)
    expect((await project.mycelium(["report", "real"])).code).toBe(0)
    const document = JSON.parse(readFileSync(project.statePath(), "utf8")) as StateDocument
    const log = readFileSync(project.auditPath(), "utf8").trimEnd().split("\n")
    const told = log
      .map((line) => JSON.parse(line) as Record<string, unknown> & { at: string; serial: number })
      .filter(({ incident }) => incident === "real")
    let audit = document.audit
    for (const { n: _n, prev: _prev, at, serial, user, via, ...event } of told)
      audit = appendLine(audit, { ...event, incident: "forged" } as never, {
        at: new Date(at),
        serial,
        actor: { user: String(user), via: String(via) },
      })
    const text = JSON.stringify(document).replaceAll('"incident":"real"', '"incident":"forged"')
    const forged = { ...(JSON.parse(text) as StateDocument), audit: { ...audit, lines: [] } }
    writeFileSync(project.statePath(), JSON.stringify(forged, null, 1))
    writeFileSync(
      project.auditPath(),
      [...log, ...audit.lines.slice(document.audit.lines.length), ""].join("\n"),
    )
    return project
  }

  test("does not vouch for a state that was edited, even if its log fits", async () => {
    await using project = await toldTwice()
    const ran = await project.mycelium(["report", "forged"])
    expect(ran.stdout).not.toContain("Contained: yes")
    expect(ran.stdout).toContain("state-edited")
    expect(ran.code).toBe(7)
    const review = await project.mycelium(["report", "--since", "1d"])
    expect(review.stdout).toContain("not as mycelium wrote it: production")
    expect(review.code).toBe(4)
  })

  test("says first that nothing was verified if the identity is missing", async () => {
    await using project = await toldTwice()
    rmSync(project.identityFile)
    for (const args of [
      ["report", "forged"],
      ["report", "--since", "1d"],
    ]) {
      const { stdout } = await project.mycelium(args)
      const at = stdout.indexOf("Nothing of this was verified")
      expect(at).toBeGreaterThan(0)
      expect(at).toBeLessThan(700)
      expect(stdout.split("\n")[0]).not.toMatch(/: contained$/)
    }
    const told = json<{ unverified?: string }>(
      await project.mycelium(["report", "forged", "--json"]),
    )
    expect(told.unverified).toContain("identity")
  })

  test("does not vouch for a log that was changed", async () => {
    await using project = await house()
    expect((await project.mycelium(contain("real"))).code).toBe(0)
    const log = readFileSync(project.auditPath(), "utf8")
    writeFileSync(project.auditPath(), log.replace('"event":"verify"', '"event":"verifx"'))
    const ran = await project.mycelium(["report", "real"])
    expect(ran.stdout).toContain("log-broken")
    expect(ran.code).toBe(7)
  })
})

describe("a log that is a symbolic link", () => {
  test("is refused by all commands that read it, in one clear sentence", async () => {
    await using project = await house()
    renameSync(project.auditPath(), `${project.auditPath()}.theirs`)
    symlinkSync(`${project.auditPath()}.theirs`, project.auditPath())
    for (const args of [
      ["audit"],
      ["audit", "verify"],
      ["rotate-now", "production"],
      ["report", "--since", "1d"],
      ["check"],
    ]) {
      const ran = await project.mycelium(args)
      const said = `${ran.stdout}${ran.stderr}`
      expect([args, said]).toEqual([args, expect.stringContaining("is a symbolic link")])
      expect([args, said]).toEqual([args, expect.not.stringContaining("unexpected")])
    }
  })

  test("a folder of its closed parts that is a symbolic link is refused as well", async () => {
    await using project = await house()
    writeFileSync(project.auditPath().replace(/\.jsonl$/, ""), "")
    const ran = await project.mycelium(["audit", "verify"])
    expect(ran.stderr).toContain("is not a folder")
  })
})
