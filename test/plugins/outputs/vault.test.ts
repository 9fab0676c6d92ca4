import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import { realHost } from "../../../src/base/system/host.ts"
import type { Landed } from "../../../src/core/entry.ts"
import type { Credential, IssuedVersions, Output, Values } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { vault } from "../../../src/plugins/outputs/vault.ts"
import { membersOf } from "../../../src/plugins/vault/raw-json.ts"
import { errorOf } from "../../support/error-of.ts"
import { type OpenBaoServer, startOpenBao, whyNoOpenBao } from "../../support/servers/openbao.ts"

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`the output vault is not tested: ${missing}`)

/** All that the output needs, and nothing else. */
const rights = (path: string): string => `
path "secret/data/${path}" { capabilities = ["create", "read", "update"] }
path "secret/metadata/${path}" { capabilities = ["read"] }
path "secret/config" { capabilities = ["read"] }`

const tokenOf = (): string => "0".repeat(64)
const ends = (): AbortSignal => AbortSignal.timeout(10_000)

function version(value: string): Credential {
  return { version: value, fields: { user: "shop", password: new Secret("test", value) } }
}
const newValue = (): string => `v-${crypto.randomUUID()}`

describe.skipIf(missing !== undefined)("the output vault, at a real OpenBao", () => {
  let server: OpenBaoServer
  let activity: ActivityScope
  let leave: () => Promise<void>
  beforeAll(async () => {
    server = await startOpenBao()
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(() => {
    activity = new ActivityScope()
    leave = activity.join()
  })
  afterEach(() => leave())

  const paths = (
    (next) => () =>
      `shop/entry-${next++}`
  )(0)

  async function open(path: string, options: object = {}, policy = rights(path)): Promise<Output> {
    const token = await server.token(policy)
    return vault.open(
      vault.options.parse({
        vault: {
          server: { address: server.address, auth: { token: { env: "TOKEN" } }, listener: "any" },
          path,
        },
        variables: { DB_USER: "{{ db.user }}", DB_PASSWORD: "{{ db.password }}" },
        ...options,
      }),
      {
        folder: "/",
        label: "production",
        manager: {
          host: realHost({}),
          activity,
          credential: async () => new Secret("token", token),
        },
      },
    )
  }
  const values = (value: string): Values => ({ db: version(value) })
  const knows =
    (...known: readonly string[]): IssuedVersions =>
    async () =>
      known.map(version)

  async function show(output: Output, value: string, ...known: readonly string[]): Promise<Landed> {
    const draft = await output.prepare(values(value), knows(...known, value), ends())
    return (await draft.commit(tokenOf, ends())) as Landed
  }

  test("writes its fields into an entry, and keeps those of others as they are written", async () => {
    const path = paths()
    const [old, next] = [newValue(), newValue()]
    const ours = `"DB_USER":"shop","DB_PASSWORD":"${old}"`
    // The server itself reads numbers as it likes: what it says of them before must stand after.
    const others =
      '"big":12345678901234567890,"tiny":1e-7,"text":"caf\\u00e9","list":[1,{"a":null}]'
    await server.raw("POST", `secret/data/${path}`, `{"data":{${ours},${others}}}`)
    const fields = async (): Promise<ReadonlyMap<string, string>> => {
      const body = await server.raw("GET", `secret/data/${path}`)
      const outer = membersOf(membersOf(body).get("data") ?? "")
      return membersOf(outer.get("data") ?? "")
    }
    const before = await fields()
    const output = await open(path)
    expect(await show(output, next, old)).toEqual({ is: "done", mark: "2" })
    expect(await fields()).toEqual(new Map([...before, ["DB_PASSWORD", `"${next}"`]]))
    expect(await output.compare(values(next), ends())).toBe("same")
    expect(await output.mark?.(ends())).toBe("2")
  })

  test("refuses where there is no entry, unless it may create it", async () => {
    const path = paths()
    const error = await errorOf(show(await open(path), newValue()))
    expect(error.code).toBe("entry-missing")
    expect((await server.read(path)).status).toBe(404)
    const value = newValue()
    expect(await show(await open(path, { create: true }), value)).toEqual({ is: "done", mark: "1" })
    expect((await server.read(path)).fields).toEqual({ DB_USER: "shop", DB_PASSWORD: value })
  })

  test("a write of others in between is not overwritten", async () => {
    const path = paths()
    const [old, next] = [newValue(), newValue()]
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: old })
    const output = await open(path)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: "theirs", OTHER: "x" })
    const error = await errorOf(Promise.resolve(draft.commit(tokenOf, ends()))).catch(
      () => undefined,
    )
    expect((await server.read(path)).fields).toEqual({
      DB_USER: "shop",
      DB_PASSWORD: "theirs",
      OTHER: "x",
    })
    expect(error === undefined || error.code === "output-drift").toBe(true)
  })

  test("goes back to the former content by a new version", async () => {
    const path = paths()
    const [old, next] = [newValue(), newValue()]
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: old, OTHER: 7 })
    const output = await open(path)
    const before = await output.read(ends())
    await show(output, next, old)
    const draft = await output.restore(before, ends())
    expect(await draft.commit(tokenOf, ends())).toEqual({ is: "done", mark: "3" })
    expect((await server.read(path)).fields).toEqual({
      DB_USER: "shop",
      DB_PASSWORD: old,
      OTHER: 7,
    })
  })

  test("a deleted newest version counts for the comparison, and its mark differs", async () => {
    const path = paths()
    const [old, next] = [newValue(), newValue()]
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: old })
    const output = await open(path)
    expect(await output.mark?.(ends())).toBe("1")
    await server.ask("DELETE", `secret/data/${path}`)
    expect(await output.mark?.(ends())).toBe("1-deleted")
    expect(await output.read(ends())).toBeUndefined()
    expect(await show(output, next, old)).toEqual({ is: "done", mark: "2" })
    expect((await server.read(path)).fields).toEqual({ DB_USER: "shop", DB_PASSWORD: next })
  })

  test.each([
    ["the entry", { delete_version_after: "1h" }, "vault-entry-expires"],
    ["the entry", { max_versions: 1 }, "vault-one-version"],
  ])("refuses an entry that forgets: %s with %o", async (_, setting, code) => {
    const path = paths()
    const value = newValue()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: value })
    await server.ask("POST", `secret/metadata/${path}`, setting)
    const error = await errorOf(show(await open(path), newValue(), value))
    expect(error.code).toBe(code)
    expect(error.hint).toContain(path)
    expect((await server.read(path)).version).toBe(1)
  })

  test.each([
    [{ delete_version_after: "1h" }, "vault-entry-expires"],
    [{ max_versions: 1 }, "vault-one-version"],
  ])("refuses an engine that forgets: %o", async (setting, code) => {
    const path = paths()
    const value = newValue()
    await server.ask("POST", "secret/config", setting)
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: value })
    const error = await errorOf(show(await open(path), newValue(), value))
    await server.ask("POST", "secret/config", { delete_version_after: "0s", max_versions: 0 })
    expect(error.code).toBe(code)
  })

  test.each([
    ["to read", "read", "not-permitted"],
    ["to write", "update", "not-permitted"],
    ["to read its settings", "metadata", "not-permitted"],
    ["to read the engine's", "config", "not-permitted"],
  ])("says that the right %s is missing, and has written nothing", async (_, taken) => {
    const path = paths()
    const value = newValue()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: value })
    const policy =
      taken === "metadata" || taken === "config"
        ? rights(path).replace(new RegExp(`path "secret/${taken}.*`), "")
        : rights(path)
            .replace(`"${taken}"`, '"list"')
            .replace('"read"', taken === "read" ? '"list"' : '"read"')
    const output = await open(path, {}, policy)
    const outcome = await show(output, newValue(), value).then(
      (landed) => ("says" in landed ? `${landed.is}: ${landed.says}` : landed.is),
      (error: Error) => error.message,
    )
    expect(outcome).toContain("does not permit ")
    expect((await server.read(path)).version).toBe(1)
  })

  test("a value over the server's limit is refused, and said", async () => {
    const path = paths()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: "", BIG: "x".repeat(700_000) })
    const output = await open(path, { variables: { DB_PASSWORD: "{{ db.password }}" } })
    const landed = await show(output, "y".repeat(600_000))
    expect(landed).toMatchObject({ is: "refused" })
    expect(JSON.stringify(landed)).not.toContain("yyyy")
  })

  test("takes its fields out for delete, and leaves the entry", async () => {
    const path = paths()
    const value = newValue()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: value, OTHER: "x" })
    const output = await open(path)
    const draft = await output.remove?.(["db"], knows(value), ends())
    await draft?.commit(tokenOf, ends())
    expect((await server.read(path)).fields).toEqual({ OTHER: "x" })
  })

  test("reads the fields that stand there, for adopt", async () => {
    const path = paths()
    const value = newValue()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: value })
    const output = await open(path)
    expect(await output.adopt(["db"], ends())).toEqual({ db: { user: "shop", password: value } })
  })

  test("a server that says nothing leaves a write unknown, and what lands late is settled", async () => {
    const path = paths()
    const [old, next] = [newValue(), newValue()]
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: old })
    const output = await open(path)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await server.freeze()
    const landed = await draft.commit(tokenOf, AbortSignal.timeout(300))
    server.wake()
    expect(landed).toMatchObject({ is: "unknown" })
    const settled = await draft.settle?.(tokenOf, ends())
    expect(settled).toMatchObject({ is: "done" })
    expect((await server.read(path)).fields).toEqual({ DB_USER: "shop", DB_PASSWORD: next })
  })

  test("a sealed server leaves a write unknown", async () => {
    const path = paths()
    const old = newValue()
    await server.write(path, { DB_USER: "shop", DB_PASSWORD: old })
    const output = await open(path)
    const draft = await output.prepare(values(newValue()), knows(old), ends())
    await server.seal()
    const landed = await draft.commit(tokenOf, ends())
    await server.unseal()
    expect(landed).toMatchObject({ is: "unknown" })
  })
})
