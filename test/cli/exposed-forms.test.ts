import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/** A leaked text is as programs write it: wrapped, dumped, in wide characters. */

function dump(bytes: Buffer, canonical: boolean): string {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16)
    const hex = part.toString("hex")
    const text = part.toString("latin1").replaceAll(/[^ -~]/g, ".")
    const groups = (hex.match(canonical ? /../g : /.{1,4}/g) ?? []).join(" ")
    const offset = at.toString(16).padStart(8, "0")
    const wide = canonical ? `${groups.slice(0, 23)}  ${groups.slice(24)}`.trimEnd() : groups
    rows.push(
      canonical ? `${offset}  ${wide}  |${text}|` : `${offset}: ${wide.padEnd(39)}  ${text}`,
    )
  }
  return `${rows.join("\n")}\n`
}

const wrap = (text: string, end: string): string => text.replaceAll(/.{60}/g, `$&${end}`)

test("--exposed-in finds wrapped base64, hex dumps and UTF-16; it names an age identity", async () => {
  await using project = await layOut()
  project.configure({
    project: "shop",
    schedule: "0 3 * * *",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", for: "compose", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  })
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  const plain = Buffer.from(
    `This line stands before it, in the same mail: ${project.variable("KEY")}\n`,
  )
  const wide = Buffer.from(plain.toString(), "utf16le")
  const texts: Record<string, string | Buffer> = {
    base64: wrap(plain.toString("base64"), "\n"),
    mail: wrap(plain.toString("base64"), "\r\n"),
    hex: wrap(plain.toString("hex"), "\n"),
    grouped: plain.toString("hex").replaceAll(/../g, "$& "),
    xxd: dump(plain, false),
    hexdump: dump(plain, true),
    little: wide,
    big: Buffer.from(wide).swap16(),
  }
  for (const [name, text] of Object.entries(texts)) {
    project.write("leak", text.toString("latin1"))
    if (typeof text !== "string") project.write("leak", text.toString("utf8"))
    const ran = await project.mycelium(["rotate-now", "--exposed-in", "leak", "--dry-run"])
    expect({ name, said: ran.stderr }).toEqual({
      name,
      said: expect.stringContaining("exposed   production/key  v1 (current) stands in the text"),
    })
  }
  project.write("leak", `AGE-SECRET-KEY-1${"Q".repeat(58)}\n`)
  const ran = await project.mycelium(["rotate-now", "--exposed-in", "leak", "--contain", "--yes"])
  expect(ran.stderr).toContain("an age identity, or the beginning of one")
  expect(ran.stderr).toContain("none of the versions that are kept")
  expect(ran.code).toBe(7)
}, 60_000)
