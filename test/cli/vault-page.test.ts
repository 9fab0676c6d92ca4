import { expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parse } from "yaml"
import { binary, layOut } from "../support/mycelium.ts"
import { login } from "../support/login.ts"
import { startOpenBao, whyNoOpenBao } from "../support/servers/openbao.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { pairService } from "../support/shop-services.ts"

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`the page of Vault is not followed: ${missing}`)

const page = readFileSync(join(import.meta.dir, "../../src/manual/vault.md"), "utf8")
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, text = ""]) => text,
  )

test.skipIf(missing !== undefined)(
  "the page of Vault, followed to the word, ends with a rotated pair",
  async () => {
    await using vault = await startOpenBao()
    await using postgres = await startPostgres()
    await using project = await layOut()
    const [role, old] = [`shop_${randomBytes(4).toString("hex")}`, randomBytes(12).toString("hex")]
    const about = { server: postgres, role, old, admin: false, empty: false, endSessions: false }
    const service = pairService(about)
    await service.begin(project)
    const sh = async (text: string): Promise<string> => {
      const child = Bun.spawn(["sh", "-euc", text], {
        cwd: project.folder,
        env: {
          ...project.environment,
          PATH: `${dirname(binary)}:${dirname(vault.binary)}:/usr/bin:/bin`,
          BAO_ADDR: vault.address,
          BAO_TOKEN: vault.rootToken,
          PASSWORD: old,
        },
        stdio: ["ignore", "pipe", "pipe"],
      })
      const [out, err, code] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ])
      expect(`${code} ${code === 0 ? "" : out + err}`).toBe("0 ")
      return out
    }
    const [put = "", rights = "", work = ""] = blocks("sh")
    const [entry = "", reference = ""] = blocks("yaml")
    await sh(put.replace("shop_blue", `${role}_blue`))
    const printed = await sh(rights)
    const roleId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/m.exec(printed)?.[0] ?? ""
    const { outputs } = parse(
      entry
        .replace("https://vault.internal:8200", `${vault.address}\n        listener: any`)
        .replace(/role_id: [0-9a-f-]+/, `role_id: ${roleId}`),
    ) as { readonly outputs: readonly { readonly vault: { readonly server: unknown } }[] }
    // As the page says of a credential that Mycelium reads.
    await vault.write("shop/rotator", { password: project.read("admin.password").trim() })
    await vault.ask("PUT", "sys/policies/acl/reads", {
      policy: 'path "secret/data/shop/rotator" { capabilities = ["read"] }',
    })
    await vault.ask("POST", "auth/approle/role/mycelium", {
      token_policies: ["mycelium", "reads"],
    })
    const { admin } = parse(reference.replace("*vault", "{}")) as {
      readonly admin: { readonly password: { readonly vault: object } }
    }
    const own = { ...admin.password.vault, server: outputs[0]?.vault.server }
    const { grace: _, ...bare } = service.options as { readonly grace?: string }
    const postgresOptions = {
      ...bare,
      admin: { user: `${role}_rotator`, password: { vault: own } },
    }
    project.configure({
      project: "shop",
      environments: {
        production: { rotate_every: "90d", secrets: { postgres: postgresOptions }, outputs },
      },
    })
    await sh("mycelium init")
    const dry = work.replace(/^(mycelium rotate-now production) .*$/m, "$1 --dry-run")
    expect(await sh(dry)).toContain("the old value 30m later, since programs may go on so long")
    const said = await sh(work.replace(/^mycelium adopt.*$/m, ""))
    expect(said).toContain("rotated, v2 is current")
    expect(said).toMatch(
      /ok +entries: vault:http\S+\/secret\/shop\/db as approle \(policies default, mycelium, reads\)/,
    )
    const { fields, version } = await vault.read("shop/db")
    expect([version, fields?.["hint"]]).toEqual([2, "theirs"])
    expect(await login(postgres, String(fields?.["user"]), String(fields?.["password"]))).toBe("in")
    expect(JSON.stringify(fields).includes(old)).toBe(false)
  },
)
