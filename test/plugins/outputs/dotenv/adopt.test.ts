import { describe, expect, test } from "bun:test"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { opened, put } from "./opened.ts"

const variables = {
  DB_USER: "{{ db.user }}",
  DB_PASSWORD: "{{ db.password }}",
  DATABASE_URL: "postgresql://{{ db.user }}:{{ db.password | url_encode }}@db.internal:5432/shop",
  REDIS_URL: "redis://{{ redis.user }}:{{ redis.password | url_encode }}@cache",
  KEY: "{{ key.password | upcase }}",
}

async function adopt(
  text: string,
  secrets: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
) {
  await using folder = await temporaryFolder()
  put(folder.path, Buffer.from(text, "latin1"))
  return await opened(folder.path, { for: "compose", merge: true, variables, ...options }).adopt(
    secrets,
  )
}

describe("adopt()", () => {
  test("finds nothing where there is no file", async () => {
    await using folder = await temporaryFolder()
    expect(await opened(folder.path, {}).adopt(["db"])).toEqual({})
  })

  test("reads fields that stand alone and in addresses, of the secrets that are asked for", async () => {
    const text =
      "DB_USER=shop\n" +
      "DATABASE_URL='postgresql://shop:p%40ss%2Fw@db.internal:5432/shop'\n" +
      "REDIS_URL=redis://default:r-1@cache\n"
    expect(await adopt(text, ["db"])).toEqual({ db: { user: "shop", password: "p@ss/w" } })
    expect(await adopt(text, ["db", "redis", "key"])).toEqual({
      db: { user: "shop", password: "p@ss/w" },
      redis: { user: "default", password: "r-1" },
    })
  })

  test("takes two variables that agree, one encoded", async () => {
    expect(
      await adopt(
        'DB_PASSWORD="p@s\\$s"\nDATABASE_URL=postgresql://shop:p%40s%24s@db.internal:5432/shop\n',
        ["db"],
      ),
    ).toEqual({ db: { user: "shop", password: "p@s$s" } })
  })

  test("names both variables that disagree, and no value", async () => {
    const error = await errorOf(
      adopt("DB_PASSWORD=qzq1\nDATABASE_URL=postgresql://shop:qzq2@db.internal:5432/shop\n", [
        "db",
      ]),
    )
    expect(error.code).toBe("adopt-conflict")
    expect(error.message).toContain(
      "DB_PASSWORD and DATABASE_URL show different values of db.password",
    )
    expect(Bun.inspect(error)).not.toContain("qzq")
  })

  test("ignores a conflict of secrets that were not asked for", async () => {
    expect(
      await adopt(
        "DB_PASSWORD=a\n" +
          "DATABASE_URL=postgresql://shop:b@db.internal:5432/shop\n" +
          "REDIS_URL=redis://u:p@cache\n",
        ["redis"],
      ),
    ).toEqual({ redis: { user: "u", password: "p" } })
  })

  test.each([
    "DB_PASSWORD=\n",
    'DB_PASSWORD=""\n',
    "DATABASE_URL=mysql://shop:x@db/shop\n",
    "KEY=ABC\n",
    "OTHER=1\n",
  ])("finds nothing in %j", async (text) => {
    expect(await adopt(text, ["db", "redis", "key"])).toEqual({})
  })

  test.each([
    ["DB_PASSWORD=$OTHER\n", "output-unreadable", "cannot be told"],
    ["DB_PASSWORD=a\nDB_PASSWORD=b\n", "output-key-twice", "stands there twice"],
    ['DB_PASSWORD="a\n', "output-unreadable", "line 1"],
    ["DB_PASSWORD=\u00ff\n", "output-unreadable", "not valid UTF-8"],
  ])("refuses %j", async (text, code, message) => {
    const error = await errorOf(adopt(text, ["db"]))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  test("reads an unclear line's field from another line", async () => {
    expect(
      await adopt("DB_PASSWORD=$OTHER\nDATABASE_URL=postgresql://shop:a@db.internal:5432/shop\n", [
        "db",
      ]),
    ).toEqual({ db: { user: "shop", password: "a" } })
  })

  test("keeps letters beyond ASCII", async () => {
    expect(await adopt("DB_PASSWORD=p\u00c3\u00a9\n", ["db"])).toEqual({ db: { password: "pé" } })
  })
})
