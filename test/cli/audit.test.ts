import { describe, expect, test } from "bun:test"
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { underJournald, whyNoJournald } from "../support/journald.ts"
import { type Project, type Ran, json, layOut } from "../support/mycelium.ts"
import { cannotTrace, skippedUntraced, strace } from "../support/tracing.ts"

async function house(
  audit: object = {},
  secrets: readonly string[] = ["key", "token"],
): Promise<Project> {
  const outputs = [
    {
      dotenv: ".env",
      variables: Object.fromEntries(
        secrets.map((name) => [name.toUpperCase(), `{{ ${name}.password }}`]),
      ),
    },
  ]
  const environment = {
    rotate_every: "90d",
    secrets: Object.fromEntries(secrets.map((name) => [name, "generated"])),
    outputs,
  }
  const project = await layOut(
    {},
    {
      project: "shop",
      audit,
      environments: { production: environment, staging: { ...environment, outputs: [] } },
    },
  )
  await project.mycelium(["init"])
  for (const name of ["production", "staging"])
    expect((await project.mycelium(["rotate-now", name, "--new"])).code).toBe(0)
  return project
}

type Entry = {
  readonly environment: string
  readonly n: number
  readonly at: string
  readonly event: string
  readonly secret?: string
  readonly user: string
}
const entries = async (project: Project, ...args: readonly string[]): Promise<readonly Entry[]> =>
  (await project.mycelium(["audit", "--json", ...args])).stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry)

describe("mycelium audit", () => {
  test("lists what happened in all environments by time, and filters", async () => {
    await using project = await house()
    await project.mycelium(["exec", "production", "--", "true"])
    const all = await entries(project)
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted())
    expect(new Set(all.map(({ environment }) => environment))).toEqual(
      new Set(["production", "staging"]),
    )
    expect(
      (await entries(project, "--secret", "key")).map(
        ({ event, environment }) => `${environment} ${event}`,
      ),
    ).toEqual([
      ...["production", "staging"].flatMap((name) =>
        ["generate", "verify", "promote"].map((event) => `${name} ${event}`),
      ),
      "production exec",
    ])
    expect((await entries(project, "--secret", "staging/key")).length).toBe(3)
    for (const wrong of [
      ["--secret", "nope"],
      ["--secret", "nowhere/key"],
      ["--incident", "NOPE"],
    ]) {
      const ran = await project.mycelium(["audit", ...wrong])
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining("the audit log has no such entry"),
      })
    }
    const [first, last] = [all[0]?.at ?? "", all.at(-1)?.at ?? ""]
    expect(await entries(project, "--since", last)).toHaveLength(
      all.filter(({ at }) => at >= last).length,
    )
    expect(await entries(project, "--until", first)).toHaveLength(
      all.filter(({ at }) => at <= first).length,
    )
    expect(await entries(project, "--until", last.slice(0, 10), "--since", "1h")).toEqual(all)
    expect(await entries(project, "--until", "1h")).toEqual([])
    expect(await entries(project, "--user", all[0]?.user ?? "")).toEqual(all)
    expect(await entries(project, "--user", "nobody-of-that-name")).toEqual([])
  })

  test("a last line that is cut from the file is said, listed from the state, and written again by the next act", async () => {
    await using project = await house()
    const before = await entries(project, "production")
    const file = join(dirname(project.statePath()), "production.audit.jsonl")
    const whole = readFileSync(file, "utf8")
    writeFileSync(
      file,
      whole
        .split("\n")
        .slice(0, -2)
        .map((line) => `${line}\n`)
        .join(""),
    )
    const verified = await project.mycelium(["audit", "verify", "production"])
    expect({ code: verified.code, message: verified.stderr }).toEqual({
      code: 0,
      message: expect.stringContaining(
        "production: its last line is in the state but not in the log: cut off the log, " +
          "or not yet written by a run that is at work or was killed",
      ),
    })
    expect(await entries(project, "production")).toEqual(before)
    expect((await project.mycelium(["rotate-now", "production/key"])).code).toBe(0)
    expect(readFileSync(file, "utf8").startsWith(whole)).toBe(true)
    expect((await project.mycelium(["audit", "verify", "production"])).stderr).not.toContain(
      "not in the log",
    )
  })

  test("finds what was done for an incident, and by whom sudo says", async () => {
    await using project = await house()
    const { user, n } = (await entries(project, "production")).at(-1) ?? { user: "", n: 0 }
    await project.mycelium(["exec", "production", "--", "true"], { env: { SUDO_USER: "anna" } })
    const [hinted] = await entries(project, "--user", "anna")
    // A variable that anyone can set does not name the actor.
    expect(hinted).toMatchObject({ event: "exec", n: n + 1, user })
    expect((await project.mycelium(["audit", "--user", "anna"])).stdout).toContain("SUDO_USER anna")
    expect(
      (
        await project.mycelium([
          "rotate-now",
          "production/key",
          "--contain",
          "--incident",
          "INC-42",
          "--yes",
        ])
      ).code,
    ).toBe(0)
    const done = await entries(project, "--incident", "INC-42")
    expect(
      done.map(({ event, secret, environment }) => `${environment}/${secret ?? ""} ${event}`),
    ).toEqual([
      "production/ contain",
      ...["generate", "verify", "promote"].map((event) => `production/key ${event}`),
    ])
    expect((await project.mycelium(["audit", "--incident", "INC-42"])).stdout).toContain(
      "incident INC-42",
    )
    expect(await entries(project, "--incident", "INC-4")).toEqual([])
  })

  test.each([
    [["audit", "--since", "yesterday"], "--since takes an instant"],
    [["audit", "--until", "12"], "--until takes an instant"],
    [["audit", "--heads", "x"], "--heads is an option of audit verify"],
    [["audit", "verify", "--user", "anna"], "--user is no option of audit verify"],
    [["audit", "nowhere"], "there is no such environment"],
    [["audit", "verify", "--heads", "missing"], "cannot read missing"],
    [["audit", "verify", "--heads", "mycelium.yaml"], "mycelium.yaml holds no head of shop"],
  ])("refuses %p", async (args, message) => {
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: { production: { rotate_every: "90d", secrets: { key: "generated" } } },
      },
    )
    const ran = await project.mycelium(args)
    expect(ran.stderr).toContain(message)
    expect(ran.code).toBe(2)
  })
})

describe("heads that left the machine", () => {
  const heads = { heads: { command: ["./send"] } }

  /** As they come back: whole lines, the ends of lines, fields of journald's export and of its JSON. */
  const forms: readonly (readonly [string, (line: string) => string])[] = [
    ["plain", (line) => line],
    ["without the project", (line) => line.replace("shop/", "")],
    ["syslog", (line) => `Nov 02 03:00:01 db1 mycelium-audit[812]: ${line}`],
    [
      "journalctl -o export",
      (line) =>
        `__CURSOR=s=d20a;i=164\n_UID=990\nSYSLOG_IDENTIFIER=mycelium-audit\nMESSAGE=${line}\n_PID=812\n`,
    ],
    ["journalctl -o json", (line) => JSON.stringify({ _UID: "990", MESSAGE: line, _PID: "812" })],
  ]

  test("are lines that audit verify takes in whichever form they come back, and hold against a forger of log and state", async () => {
    await using project = await house(heads)
    // The command's rights are judged like those of a hook.
    project.script("send", "cat >> sent")
    for (let act = 0; act < 3; act++) await project.mycelium(["exec", "production", "--", "true"])
    const sent = project.read("sent").trim().split("\n")
    expect(sent).toHaveLength(3)
    for (const line of sent) expect(line).toMatch(/^shop\/production \d+ [0-9a-f]{64}$/)
    for (const [form, made] of forms) {
      project.write(
        "retired",
        `${sent.map(made).join("\n")}\nother/production 2 ${"0".repeat(64)}\n`,
      )
      const ran = await project.mycelium(["audit", "verify", "production", "--heads", "retired"])
      expect({ form, code: ran.code, message: ran.stderr.split("\n")[0] }).toEqual({
        form,
        code: 0,
        message: "production: compared with 3 kept heads",
      })
    }
    project.write(
      "retired",
      `${sent.map((line) => line.replace(/[0-9a-f]{64}$/, "e".repeat(64))).join("\n")}\n`,
    )
    expect(
      (await project.mycelium(["audit", "verify", "production", "--heads", "retired"])).code,
    ).toBe(4)
  })

  test("that do not leave are a warning of check, and no rotation waits for them", async () => {
    await using project = await house(heads)
    const rotated = await project.mycelium(["rotate-now", "production"])
    expect(rotated.code).toBe(0)
    expect(rotated.stderr).toContain("audit-heads-undelivered")
    const found = json<{
      readonly findings: readonly {
        readonly code: string
        readonly severity: string
        readonly message: string
      }[]
    }>(await project.mycelium(["check", "--quick", "--json"])).findings.filter(
      ({ code }) => code === "audit-heads-undelivered",
    )
    expect(
      found.map(({ severity, message }) => `${severity} ${message.split(" ")[0]}`).toSorted(),
    ).toEqual(["warning production:", "warning staging:"])
    project.script("send", "cat >> sent")
    for (const name of ["production", "staging"])
      expect((await project.mycelium(["rotate-now", name])).stderr).not.toContain(
        "audit-heads-undelivered",
      )
    expect((await project.mycelium(["check", "--quick"])).stdout).toContain(
      "the heads of 2 logs have left the machine",
    )
  })

  test.skipIf(whyNoJournald !== undefined)(
    `go to journald, which gives them back${whyNoJournald === undefined ? "" : ` (skipped: ${whyNoJournald})`}`,
    async () => {
      await using project = await house({ heads: "journald" })
      const under = underJournald(
        "$J -t mycelium-audit -o cat > plain; $J -t mycelium-audit -o export > export; " +
          "$J -t mycelium-audit > short",
      )
      const ran = await project.mycelium(["rotate-now", "production"], { under })
      expect(`${ran.code} ${ran.stderr}`).not.toContain("undelivered")
      expect(ran.code).toBe(0)
      expect(project.read("plain")).toMatch(/^shop\/production \d+ [0-9a-f]{64}\n$/)
      for (const form of ["plain", "export", "short"]) {
        const verified = await project.mycelium(["audit", "verify", "--heads", form])
        expect(verified.stderr).toContain("production: compared with 1 kept head")
        expect(verified.code).toBe(0)
      }
      // Without a journal: told, and nothing else.
      const without = await project.mycelium(["rotate-now", "production"], {
        under: ["unshare", "-m", "/bin/sh", "-c", 'mount -t tmpfs tmpfs /run; exec "$@"', "sh"],
      })
      expect(without.stderr).toContain("cannot write to the journal")
      expect(without.code).toBe(0)
    },
  )
})

describe.skipIf(cannotTrace !== undefined)(
  `a log in parts, killed at each step${skippedUntraced}`,
  () => {
    test("of closing one: no line is lost, none stands twice, the next act goes on", async () => {
      await using project = await house({ segment: "1KiB" }, ["key"])
      const act = (under: readonly string[] = []): Promise<Ran> =>
        project.mycelium(["exec", "production", "--", "true"], { under })
      // Until the next act fills a part.
      const size = (): number =>
        existsSync(project.auditPath()) ? statSync(project.auditPath()).size : 0
      while (size() < 900) await act()
      const kept = join(project.root, "retired")
      cpSync(project.store, kept, { recursive: true, preserveTimestamps: true })
      let kills = 0
      for (const call of ["mkdir", "rename", "fsync", "fdatasync"]) {
        for (let when = 1; ; when++) {
          rmSync(project.store, { recursive: true })
          cpSync(kept, project.store, { recursive: true, preserveTimestamps: true })
          const { signal } = await act(
            strace(
              "-o",
              "/dev/null",
              "-e",
              `trace=${call}`,
              "-e",
              `inject=${call}:signal=KILL:when=${when}`,
            ),
          )
          if (signal !== "SIGKILL") break
          kills++
          expect((await act()).code).toBe(0)
          const verified = await project.mycelium(["audit", "verify", "production"])
          expect({
            call,
            when,
            message: verified.stderr.replace(/production: 1 torn .*\n/, ""),
            code: verified.code,
          }).toEqual({ call, when, message: "", code: 0 })
          const numbers = (await entries(project, "production")).map(({ n }) => n)
          expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1))
        }
      }
      expect(kills).toBeGreaterThan(5)
    }, 120_000)
  },
)

test("audit verify, check and report beside acts that write all the time cry no tampering", async () => {
  await using project = await house({})
  let going = true
  const act = async (): Promise<void> => {
    while (going) await project.mycelium(["rotate-now", "production"])
  }
  const acts = [act(), act()]
  const said: unknown[] = []
  for (let look = 0; look < 12; look++) {
    const { code, stderr } = await project.mycelium(["audit", "verify", "production"])
    if (code !== 0) said.push({ code, stderr })
    if (look % 10 === 0)
      said.push(
        ...(await project.mycelium(["check"])).stdout
          .split("\n")
          .filter((line) => /state-older|state-edited/.test(line)),
      )
  }
  going = false
  await Promise.all(acts)
  expect(said).toEqual([])
}, 120_000)
