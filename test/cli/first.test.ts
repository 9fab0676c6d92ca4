import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { newIdentity } from "../../src/core/seal.ts"
import { layOut, modeOf } from "../support/mycelium.ts"

/** The first commands in a life. */

const environment = (file: string): object => ({
  rotate_every: "90d",
  secrets: { key: "generated" },
  outputs: [{ dotenv: file, merge: true, variables: { KEY: "{{ key.password }}" } }],
})

describe("mycelium init", () => {
  test("makes what a first rotation needs, private; a second time it keeps everything", async () => {
    await using project = await layOut()
    expect((await project.mycelium(["init"])).code).toBe(0)
    expect(modeOf(project.identityFile)).toBe("0600")
    const { stdout, code } = await project.mycelium(["rotate-now", "production", "--new"])
    expect(stdout).toContain("production/session_key: rotated, v1 is current")
    expect(code).toBe(0)
    expect(project.variable("SESSION_KEY", "mycelium.env")).toMatch(/^[A-Za-z0-9._-]{32}$/)
    const before = project.snapshot()
    expect((await project.mycelium(["init"])).stdout).toMatch(/^kept .*\nkept /)
    expect(project.snapshot()).toEqual(before)
  })

  test("makes no new identity beside values that another one sealed; with the store aside it does, and adopt takes over", async () => {
    await using project = await layOut()
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    rmSync(project.identityFile)
    for (const args of [["init"], ["rotate-now", "production"]]) {
      const { code, stderr } = await project.mycelium(args)
      expect(stderr).toContain("a new one cannot open it")
      expect(stderr).toContain("put back the identity that it was sealed to")
      // As a wrong one: only a person can bring the right one.
      expect(code).toBe(7)
    }
    expect(existsSync(project.identityFile)).toBe(false)
    const check = await project.mycelium(["check"])
    expect(check.stdout).toContain("put back the identity that it was sealed to")
    expect(check.code).toBe(4)
    renameSync(project.store, `${project.store}-lost`)
    for (const args of [["init"], ["adopt", "production"], ["rotate-now", "production"]])
      expect((await project.mycelium(args)).code).toBe(0)
  })

  test("does not keep in silence an identity that opens nothing of what is in the store", async () => {
    await using project = await layOut()
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    const right = readFileSync(project.identityFile, "utf8")
    const refusal = {
      message: `the identity at ${project.identityFile} does not open what lies in ${project.store}`,
      hint: "put back the one that it was sealed to",
    }
    for (const text of [`${await newIdentity()}\n`, "# nothing\n"]) {
      writeFileSync(project.identityFile, text)
      const { code, stderr } = await project.mycelium(["init"])
      expect({
        code,
        message: stderr.includes(refusal.message),
        hint: stderr.includes(refusal.hint),
      }).toEqual({ code: 7, message: true, hint: true })
      expect(readFileSync(project.identityFile, "utf8")).toBe(text)
    }
    // One that is named in the config is the one that counts.
    project.write("elsewhere", right)
    project.configure(`${project.read("mycelium.yaml")}identity: { file: elsewhere }\n`)
    expect((await project.mycelium(["init"])).code).toBe(0)
    rmSync(project.identityFile)
    expect(await project.mycelium(["init"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^kept .*\/elsewhere: .*\nkept .*mycelium.yaml: .*\n$/),
    })
    expect(existsSync(project.identityFile)).toBe(false)
    rmSync(project.path("mycelium.yaml"))
    writeFileSync(project.identityFile, `${await newIdentity()}\n${right}`)
    expect((await project.mycelium(["init"])).stdout).toMatch(/^kept .*\nmade /)
  })
})

describe("mycelium init, where the config says where the identity is", () => {
  const config = (identity: object): object => ({
    project: "shop",
    identity,
    environments: { production: environment(".env") },
  })

  test("makes it in that file, private, in a folder that is missing, too; then it keeps it", async () => {
    await using project = await layOut({}, config({ file: "keys/identity.txt" }))
    const made = await project.mycelium(["init"])
    expect(`${made.code} ${made.stdout}`).toStartWith(
      `0 made ${project.path("keys/identity.txt")}: `,
    )
    expect([
      modeOf(project.path("keys")),
      modeOf(project.path("keys/identity.txt")),
      existsSync(project.identityFile),
    ]).toEqual(["0700", "0600", false])
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    expect((await project.mycelium(["init"])).stdout).toStartWith(
      `kept ${project.path("keys/identity.txt")}: `,
    )
    rmSync(project.path("keys/identity.txt"))
    expect(await project.mycelium(["init"])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("a new one cannot open it"),
    })
    expect(existsSync(project.path("keys/identity.txt"))).toBe(false)
    // Nowhere is one told to make another.
    for (const args of [["check", "--quick"], ["check"], ["rotate-now", "production"]]) {
      const ran = await project.mycelium(args)
      expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([
        false,
        expect.stringContaining("put back the identity that it was sealed to"),
      ])
    }
  })

  test("makes none where something else brings it, and says how it comes into being", async () => {
    const places = [
      [
        { file: "/run/credentials/mycelium-test.service/identity" },
        "left /run/credentials/mycelium-test.service/identity: ",
      ],
      [{ env: "IDENTITY" }, "left the variable IDENTITY: "],
    ] as const
    for (const [identity, message] of places) {
      await using project = await layOut({}, config(identity))
      const { code, stdout, stderr } = await project.mycelium(["init"])
      expect([code, stdout]).toEqual([0, expect.stringContaining(message)])
      expect(stderr).toContain("mycelium init --identity FILE")
      expect([
        existsSync("/run/credentials/mycelium-test.service"),
        existsSync(project.identityFile),
      ]).toEqual([false, false])
      const named = await project.mycelium(["init", "--identity", "identity.txt"])
      expect(`${named.code} ${named.stdout}`).toStartWith(
        `0 made ${project.path("identity.txt")}: `,
      )
      expect([modeOf(project.path("identity.txt")), existsSync(project.identityFile)]).toEqual([
        "0600",
        false,
      ])
      const env = { IDENTITY: /^AGE-SECRET-KEY.*$/m.exec(project.read("identity.txt"))?.[0] ?? "" }
      if ("env" in identity)
        expect((await project.mycelium(["init"], { env })).stdout).toContain(
          "kept the variable IDENTITY: ",
        )
    }
  })

  test("writes a config that names the file which --identity says", async () => {
    await using project = await layOut()
    expect((await project.mycelium(["init", "--identity", "keys/identity.txt"])).code).toBe(0)
    expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
    expect([
      existsSync(project.identityFile),
      project.read("mycelium.yaml").includes(project.path("keys/identity.txt")),
    ]).toEqual([false, true])
  })
})

describe("two commands that begin a store at the same time", () => {
  test("share its keys", async () => {
    for (let round = 0; round < 5; round++) {
      await using project = await layOut(
        {
          "a.env": "KEY=First-key.0123456789abcdef\n",
          "b.env": "KEY=Other-key.0123456789abcdef\n",
        },
        { project: "shop", environments: { a: environment("a.env"), b: environment("b.env") } },
      )
      await project.mycelium(["init"])
      const begun = await Promise.all([
        project.mycelium(["adopt", "a"]),
        project.mycelium(["adopt", "b"]),
      ])
      expect(begun.map(({ code, stderr }) => `${code}${stderr}`)).toEqual(["0", "0"])
      for (const name of ["a", "b"])
        expect((await project.mycelium(["rotate-now", name])).code).toBe(0)
    }
  }, 30_000)
})
