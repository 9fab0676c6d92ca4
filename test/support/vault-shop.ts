import { randomBytes } from "node:crypto"
import { layOut, type Project, type Ran } from "./mycelium.ts"
import { account } from "./servers/account.ts"
import { login } from "./login.ts"
import type { EntryOf, OpenBaoServer } from "./servers/openbao.ts"
import type { PostgresServer } from "./servers/postgres.ts"
import { type Service, pairService, roleService } from "./shop-services.ts"

/** What the output needs, and nothing else. */
export const entryRights = (path: string): string => `
path "secret/data/${path}" { capabilities = ["create", "read", "update"] }
path "secret/metadata/${path}" { capabilities = ["read"] }
path "secret/config" { capabilities = ["read"] }`

export type VaultShopOptions = {
  /** Where Mycelium finds OpenBao: a relay before it. */
  readonly address?: string
  /** One role that changes its own password, in the place of two in turn. */
  readonly one?: true
  /** Over the options of the output. */
  readonly output?: object
  /** Over those of the secret. */
  readonly secret?: Readonly<Record<string, unknown>>
  readonly rights?: string
  /** Over those of AppRole's role. */
  readonly role?: Readonly<Record<string, unknown>>
}

/**
 * A pair of PostgreSQL shown by an entry of OpenBao, as a person had it before Mycelium; a program
 * that restarts, and fails to once if a file "sick" lies beside it. Mycelium logs in by AppRole.
 */
export class VaultShop implements AsyncDisposable {
  readonly path = `shop/${randomBytes(4).toString("hex")}`
  readonly project: Project
  readonly vault: OpenBaoServer
  readonly postgres: PostgresServer
  readonly old = `Old-${randomBytes(9).toString("hex")}.1`
  readonly service: Service
  /** The name of Mycelium's role, and of its policy. */
  approle = ""
  readonly role = `shop_${randomBytes(4).toString("hex")}`

  constructor(
    project: Project,
    { vault, postgres, one }: { vault: OpenBaoServer; postgres: PostgresServer; one: boolean },
  ) {
    this.project = project
    this.vault = vault
    this.postgres = postgres
    const about = { admin: false, empty: false, endSessions: false }
    const make = one ? roleService : pairService
    this.service = make({ server: postgres, role: this.role, old: this.old, ...about })
  }

  run(...args: readonly string[]): Promise<Ran> {
    return this.project.mycelium(args)
  }
  entry(): Promise<EntryOf> {
    return this.vault.read(this.path)
  }
  /** As a program does that has just read the entry. */
  async login(): Promise<string> {
    const { fields } = await this.entry()
    return login(this.postgres, String(fields?.["user"]), String(fields?.["password"]))
  }
  get id(): string {
    return `vault:${this.vault.address}/secret/${this.path}`
  }
  async adopt(): Promise<void> {
    for (const args of [["init"], ["adopt", "production"]]) {
      const { code, stdout, stderr } = await this.run(...args)
      if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]()
  }
}

export async function openVaultShop(
  vault: OpenBaoServer,
  postgres: PostgresServer,
  options: VaultShopOptions = {},
): Promise<VaultShop> {
  const shop = new VaultShop(await layOut(), { vault, postgres, one: options.one === true })
  const { project, path, service } = shop
  const { address = vault.address } = options
  await service.begin(project)
  await vault.write(path, {
    user: options.one === true ? shop.role : `${shop.role}_blue`,
    password: shop.old,
    theirs: "stays",
  })
  const role = await vault.approle(options.rights ?? entryRights(path), options.role ?? {})
  shop.approle = role.name
  project.write("secret-id", role.secretId)
  project.script(
    "restart-api",
    "[ ! -e sick ] || { rm sick; exit 1; }",
    "echo restarted >> api.log",
  )
  project.script("health-api", "exit 0")
  const approle = { role_id: role.roleId, secret_id: { file: "secret-id" } }
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { postgres: { ...service.options, ...options.secret } },
        outputs: [
          {
            vault: {
              server: { address, listener: account?.uid ?? "any", auth: { approle } },
              path,
            },
            variables: { user: "{{ postgres.user }}", password: "{{ postgres.password }}" },
            ...options.output,
          },
        ],
        deployments: {
          api: {
            command: ["./restart-api"],
            reads: [`vault:${address}/secret/${path}`],
            healthy: { command: ["./health-api"], within: "1s" },
          },
        },
      },
    },
  })
  return shop
}
