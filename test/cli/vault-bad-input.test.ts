import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeAuthority } from "../support/certificates.ts"
import { HttpRelay } from "../support/http-relay.ts"
import { type OpenBaoServer, startOpenBao, whyNoOpenBao } from "../support/servers/openbao.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { entryRights, openVaultShop, type VaultShop } from "../support/vault-shop.ts"

/**
 * What goes wrong at an entry is one sentence and a hint, with the right exit code, and everything
 * is as it was.
 */

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`bad input at Vault is not tested: ${missing}`)

type Entry = {
  server: Record<string, unknown> & { auth: Record<string, unknown> }
  mount?: string
  path: string
}

describe.skipIf(missing !== undefined)("at an entry of OpenBao", () => {
  let vault: OpenBaoServer
  let postgres: PostgresServer
  let shop: VaultShop
  let config: string
  beforeAll(async () => {
    vault = await startOpenBao()
    postgres = await startPostgres()
    shop = await openVaultShop(vault, postgres, { output: { readers: { within: "0s" } } })
    await shop.adopt()
    config = shop.project.read("mycelium.yaml")
  })
  afterAll(async () => {
    await shop[Symbol.asyncDispose]()
    await vault[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  /** A rotation with another entry in the config; then the one before. */
  async function withEntry(change: (entry: Entry) => void): Promise<string> {
    const changed = JSON.parse(config) as {
      environments: { production: { outputs: { vault: Entry }[]; deployments?: unknown } }
    }
    const { production } = changed.environments
    for (const { vault: entry } of production.outputs) change(entry)
    delete production.deployments
    shop.project.configure(changed)
    try {
      return await rotation()
    } finally {
      shop.project.write("mycelium.yaml", config)
    }
  }

  /** "4 code: what was said", and that nothing has changed. */
  async function rotation(): Promise<string> {
    const before = await entryNow()
    const { code, stdout, stderr } = await shop.run("rotate-now", "production")
    expect(await entryNow()).toBe(before)
    expect(await shop.login()).toBe("in")
    expect(stdout + stderr).toContain("hint: ")
    expect(stdout + stderr).not.toContain(shop.old)
    return `${code} ${stdout}${stderr}`
  }
  async function entryNow(): Promise<string> {
    return JSON.stringify(await shop.entry())
  }

  test("a mount, a path and a namespace that are not there", async () => {
    const mount = await withEntry((entry) => {
      entry.mount = "none"
    })
    // Without rights there, a server does not say whether a mount exists.
    expect(mount).toMatch(/^1 .*does not permit .*\(not-permitted\)/s)
    const path = await withEntry((entry) => {
      entry.path = "shop/none"
    })
    expect(path).toMatch(/^1 .*does not permit .*\(not-permitted\)/s)
    const namespace = await withEntry((entry) => {
      entry.server["namespace"] = "none"
    })
    expect(namespace).toMatch(/^1 .*(namespace|login is refused)/s)
  })

  test("the same with all rights", async () => {
    shop.project.write("root", vault.rootToken)
    const asRoot = (entry: Entry): void => {
      entry.server.auth = { token: { file: "root" } }
    }
    const mount = await withEntry((entry) => {
      asRoot(entry)
      entry.mount = "none"
    })
    expect(mount).toMatch(/^1 .*nothing is mounted there.*\(vault-mount-missing\)/s)
    const path = await withEntry((entry) => {
      asRoot(entry)
      entry.path = "shop/none"
    })
    expect(path).toMatch(/^1 .*there is no entry.*\(entry-missing\)/s)
    const namespace = await withEntry((entry) => {
      asRoot(entry)
      entry.server["namespace"] = "none"
    })
    expect(namespace).toMatch(/^1 .*no such namespace.*\(vault-namespace-missing\)/s)
  })

  test("a secret_id that is wrong, and a role that is gone", async () => {
    const secretId = shop.project.read("secret-id")
    shop.project.write("secret-id", crypto.randomUUID())
    const said = await rotation()
    shop.project.write("secret-id", secretId)
    expect(said).toMatch(/^1 .*the login is refused.*\(vault-login-refused\)/s)
  })

  test.each(["read", "update", "metadata", "config"])(
    "the right %s is taken away",
    async (taken) => {
      const all = entryRights(shop.path)
      const less =
        taken === "metadata" || taken === "config"
          ? all.replace(new RegExp(`path "secret/${taken}.*`), "")
          : all.replace(`"create", "read", "update"`, taken === "read" ? `"update"` : `"read"`)
      await vault.ask("PUT", `sys/policies/acl/${shop.approle}`, { policy: less })
      const connect = await shop.run("check", "--connect")
      const said = await rotation()
      await vault.ask("PUT", `sys/policies/acl/${shop.approle}`, { policy: all })
      expect(said).toMatch(/^1 .*does not permit /s)
      expect(connect.code).toBe(4)
      expect(connect.stdout).toContain("not-permitted: production: vault:")
      expect(connect.stdout).toContain('path "secret/')
    },
  )

  test("an entry that forgets", async () => {
    await vault.ask("POST", `secret/metadata/${shop.path}`, { delete_version_after: "1h" })
    const expires = await rotation()
    await vault.ask("POST", `secret/metadata/${shop.path}`, {
      delete_version_after: "0s",
      max_versions: 1,
    })
    const one = await rotation()
    await vault.ask("POST", `secret/metadata/${shop.path}`, { max_versions: 0 })
    expect(expires).toMatch(/^1 .*\(vault-entry-expires\)/s)
    expect(one).toMatch(/^1 .*\(vault-one-version\)/s)
  })

  test("a sealed server, and one that is down", async () => {
    const before = await shop.entry()
    await vault.seal()
    const sealed = await shop.run("rotate-now", "production")
    await vault.unseal()
    await vault.stop("kill")
    const down = await shop.run("rotate-now", "production")
    await vault.start()
    expect(`${sealed.code} ${sealed.stdout}`).toMatch(
      /^1 .*it is sealed.*\(vault-sealed\)\n.*hint: unseal it/s,
    )
    expect(`${down.code} ${down.stdout}`).toMatch(/^1 .*the connection failed.*\(unreachable\)/s)
    expect(await shop.entry()).toEqual(before)
  })

  test("a standby, a server that throttles with and without a time, another protocol", async () => {
    await using relay = await HttpRelay.to(vault.port)
    const said = async (
      status: number,
      headers: Record<string, string>,
      body: string,
    ): Promise<string> => {
      relay.answers = ({ path }) =>
        path.includes("/secret/data/") ? { status, headers, body } : undefined
      return withEntry((entry) => {
        entry.server["address"] = relay.address
      })
    }
    const errors = (text: string): string => JSON.stringify({ errors: [text] })
    const standby = await said(307, { location: "http://127.0.0.2:8200/v1/x" }, "")
    expect(standby).toMatch(/^1 .*standby.*\(vault-standby\)/s)
    expect(await said(429, { "retry-after": "1" }, errors("rate limit"))).toMatch(
      /^1 .*asks to wait 1s.*\(vault-throttled\)/s,
    )
    expect(await said(429, {}, errors("rate limit"))).toMatch(
      /^1 .*takes no more requests now.*\(vault-throttled\)/s,
    )
    expect(await said(429, { "retry-after": "3600" }, errors("rate limit"))).toMatch(
      /^1 .*asks to wait 3600s/s,
    )
    expect(await said(500, {}, errors("1 error occurred"))).toMatch(
      /^1 .*cannot answer now \(500\)/s,
    )
    expect(await said(200, {}, "<html>")).toMatch(/^1 .*is not understood/s)
    expect(await said(200, {}, JSON.stringify({ data: { password: "x" } }))).toMatch(
      /^1 .*no KV version 2/s,
    )
    expect(relay.passed.every(({ path }) => !path.includes("127.0.0.2"))).toBe(true)
  })

  test("another user at its port", async () => {
    const said = await withEntry((entry) => {
      entry.server["listener"] = 12_345
    })
    expect(said).toMatch(/^1 .*listens there now.*no password was sent.*\(listener-changed\)/s)
  })

  test("a certificate of another authority", async () => {
    await using other = await startOpenBao({ tls: makeAuthority().issue(["127.0.0.1"]) })
    shop.project.write("ca.pem", makeAuthority("another").certificate)
    const said = await withEntry((entry) => {
      entry.server["address"] = other.address
      entry.server["tls"] = { ca: "ca.pem" }
      delete entry.server["listener"]
    })
    expect(said).toMatch(
      /^1 .*is not signed by an authority that we trust; nothing was sent.*\(tls-unverified\)/s,
    )
  })

  test("a field that someone has changed is not overwritten", async () => {
    const { fields } = await shop.entry()
    await vault.write(shop.path, { ...fields, password: "theirs" })
    const { code, stdout } = await shop.run("rotate-now", "production")
    expect(`${code} ${stdout}`).toMatch(/^1 .*\(output-drift\)/s)
    expect((await shop.entry()).fields?.["password"]).toBe("theirs")
    await vault.write(shop.path, fields ?? {})
  })

  test("a newest version that was deleted is written anew", async () => {
    await vault.ask("DELETE", `secret/data/${shop.path}`)
    const { code, stdout } = await shop.run("rotate-now", "production")
    expect(`${code} ${stdout}`).toStartWith("0 ")
    expect(await shop.login()).toBe("in")
  })
})
