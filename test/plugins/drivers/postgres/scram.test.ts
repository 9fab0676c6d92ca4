import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { Secret } from "../../../../src/core/secret.ts"
import {
  answer,
  clientFirst,
  makeVerifier,
} from "../../../../src/plugins/drivers/postgres/scram.ts"
import { quoteText } from "../../../../src/plugins/drivers/postgres/quote.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"

const first = clientFirst("rOprNGfwEbeRWgbNEkqO", "user")
const challenge =
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
const last = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

const pencil = new Secret("test", "pencil")

describe("answer()", () => {
  test("gives the messages of RFC 7677, section 3", async () => {
    expect(first.message).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    const reply = await answer(pencil, first, challenge)
    expect(reply.message).toBe(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    )
    expect(reply.proves(last)).toBe(true)
  })

  test("is right for every salt and count, in whatever order they are asked for", async () => {
    const salts = Array.from({ length: 12 }, (_, index) => Buffer.alloc(16, index))
    const verifiers = (password: () => Secret): Promise<readonly string[]> =>
      Promise.all(
        [...salts, ...salts].flatMap((salt) =>
          [1, 4096].map((count) => makeVerifier(password(), salt, count)),
        ),
      )
    const fresh = await verifiers(() => new Secret("test", "pencil"))
    expect(new Set(fresh).size).toBe(24)
    expect(await verifiers(() => pencil)).toEqual(fresh)
  })

  test("tells a server that knows the password from one that does not", async () => {
    const reply = await answer(pencil, first, challenge)
    for (const wrong of [
      "",
      "v=",
      "v=AAAA",
      last.replace("6rri", "6rrj"),
      `x${last}`,
      "e=invalid-proof",
    ])
      expect(reply.proves(wrong)).toBe(false)
    expect((await answer(new Secret("test", "pencil2"), first, challenge)).proves(last)).toBe(false)
  })

  test("refuses a nonce that is not ours, or ours alone, and endless work", async () => {
    const wrong = [
      challenge.replace("r=rOpr", "r=sOpr"),
      challenge.replace("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
      challenge.replace("4096", "999999999"),
      challenge.replace("4096", "0"),
      challenge.replace("4096", ""),
      challenge.replace("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s="),
      "",
    ]
    for (const one of wrong)
      await expect(answer(pencil, first, one)).rejects.toMatchObject({ code: "scram-invalid" })
  })
})

describe("a challenge of few iterations", () => {
  test.each(["1", "4095"])("is refused: %s", async (count) => {
    const refused = answer(pencil, first, challenge.replace("4096", count))
    await expect(refused).rejects.toMatchObject({
      code: "scram-weak",
      message:
        `the server asks for ${count} SCRAM iterations, fewer than the 4096 of RFC 7677: ` +
        "no proof of the password was sent",
    })
  })

  test("is answered where they are enough", async () => {
    for (const count of ["4096", "15000"])
      expect((await answer(pencil, first, challenge.replace("4096", count))).message).toStartWith(
        "c=biws,r=",
      )
  })
})

describe.each(["system", "newer"] as const)("makeVerifier(), %s server", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
    await server.sql("create role one login")
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test("makes what the server would make of the same password, also where SASLprep changes or forbids it", async () => {
    const passwords = [...fixed, ...Array.from({ length: 600 }, oddPassword)]
    await server.session(async (client) => {
      for (const password of passwords) {
        const rows = await client.unsafe(
          `alter role one password ${quoteText(password)}; select rolpassword as it from ` +
            "pg_authid where rolname = 'one'",
        )
        const theirs = String(rows.at(-1)[0].it)
        const [, count = "", salt = ""] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(theirs) ?? []
        const ours = await makeVerifier(
          new Secret("test", password),
          Buffer.from(salt, "base64"),
          Number(count),
        )
        if (ours !== theirs) throw new Error(`differs for ${JSON.stringify(escaped(password))}`)
      }
    })
  }, 60_000)
})

const fixed = [
  "plain",
  "it's",
  "back\\slash",
  "pässword",
  "e\u0301",
  "ﬁx",
  "Ⅸ",
  "ª",
  "ß",
  "한글",
  "ｆｕｌｌ",
  "½",
  "\u1e9b\u0323",
  "ﷺ",
  "a\u00a0b",
  "\u00ad",
  "x\u200bz",
  "\u200b",
  "a\ufeffb",
  "a\u0340",
  "\ue000ﬁ",
  "\ufffdﬁ",
  "ﬁ\u0001",
  "ﬁ\u007f",
  "\u2028ﬁ",
  "אבג",
  "אבגa",
  "א1",
  "א1ב",
  "\ufe7f",
  "😀",
  "🫠ﬁ",
  "\u{1d7ce}",
  "ﬁ\u{e0001}",
]

/** One to four characters from where SASLprep has something to say. */
function oddPassword(): string {
  const [kind = 0, length = 0, ...bytes] = randomBytes(22)
  const [start, size] = (
    [
      [0x20, 0x600],
      [0x590, 0x170],
      [0x1f00, 0x1300],
      [0xf900, 0x700],
      [0x1d000, 0x900],
    ] as const
  )[kind % 5] ?? [0x20, 0x60]
  const codes = bytes
    .slice(0, 2 + (length % 3) * 2)
    .map((byte, index, all) => start + ((byte * 256 + (all[index + 1] ?? 0)) % size))
  return String.fromCodePoint(
    ...codes.filter((code) => code < 0xd800 || code > 0xdfff),
    0x41 + (length % 26),
  )
}

function escaped(text: string): string {
  return [...text].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join("")
}
