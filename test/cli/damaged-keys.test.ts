import { expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { newIdentity } from "../../src/core/seal.ts"
import { layOut } from "../support/mycelium.ts"

/**
 * What is damaged says nothing against the identity: a person who is told otherwise looks for
 * another one, or makes it.
 */

function changedAt(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`
}

const damages: readonly (readonly [string, (text: string) => string])[] = [
  ["empty", () => ""],
  ["cut off", (text) => text.slice(0, text.length / 2)],
  ["without its end", (text) => text.split("\n").slice(0, -3).join("\n")],
  [
    "with another byte near its end",
    (text) => changedAt(text, text.lastIndexOf("\n", text.indexOf("-----END") - 2) - 10),
  ],
  ["text of something else", () => "hello\n"],
  ["zeros", (text) => "\0".repeat(text.length)],
]

test("keys.age that is damaged is called that, and the identity is not blamed; of another identity's, it is", async () => {
  const config = {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  }
  await using project = await layOut({}, config)
  await project.mycelium(["init"])
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  const path = join(project.store, "keys.age")
  const whole = readFileSync(path, "utf8")
  for (const [how, damage] of damages) {
    writeFileSync(path, damage(whole))
    for (const args of [["rotate-now", "production"], ["check"], ["init"]]) {
      const { code, stdout, stderr } = await project.mycelium(args)
      const said = stdout + stderr
      expect({ how, args, code, said }).toEqual({
        how,
        args,
        code: args[0] === "check" ? 4 : 7,
        said: expect.stringContaining("keys.age is damaged"),
      })
      expect(said).not.toContain("sealed to another identity")
    }
  }
  writeFileSync(path, whole)
  const own = readFileSync(project.identityFile)
  writeFileSync(project.identityFile, `${await newIdentity()}\n`)
  const { code, stderr } = await project.mycelium(["rotate-now", "production"])
  expect({ code, stderr }).toEqual({
    code: 7,
    stderr: expect.stringContaining("it was sealed to another identity, or damaged"),
  })
  writeFileSync(project.identityFile, own)
  expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
}, 60_000)
