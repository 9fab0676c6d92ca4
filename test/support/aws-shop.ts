import { randomBytes } from "node:crypto"
import { layOut, type Project, type Ran } from "./mycelium.ts"
import { login } from "./login.ts"
import { account } from "./servers/account.ts"
import { type MotoServer, motoAccount, motoRegion, type SecretOf } from "./servers/moto.ts"
import type { PostgresServer } from "./servers/postgres.ts"
import { pairService, type Service } from "./shop-services.ts"

/** What the output needs, and nothing else. */
export const secretRights = [
  "DescribeSecret",
  "GetSecretValue",
  "PutSecretValue",
  "UpdateSecretVersionStage",
] as const

/** The same of a parameter. */
export const parameterRights = [
  "ssm:DescribeParameters",
  "ssm:GetParameter",
  "ssm:PutParameter",
] as const

export type AwsShopOptions = {
  /** A parameter of Parameter Store shows the pair, in the place of a secret. */
  readonly parameter?: true
  /** Where Mycelium finds the API: a relay, or a stub. */
  readonly endpoint?: string
  readonly output?: object
  readonly aws?: object
  readonly secret?: Readonly<Record<string, unknown>>
  readonly rights?: readonly string[]
  /** The credentials, if not those of a user of its own. */
  readonly env?: Readonly<Record<string, string>>
  /** What the secret holds at first; null: no version. */
  readonly first?: null
}

/**
 * A pair of PostgreSQL shown by a secret, or a parameter, of AWS (moto), as a person had it before Mycelium; a program that restarts, and
 * fails to once if a file "sick" lies beside it. Mycelium has a user's access key with the rights it needs.
 */
export class AwsShop implements AsyncDisposable {
  readonly #name = `shop/${randomBytes(4).toString("hex")}`
  readonly isParameter: boolean
  readonly project: Project
  readonly moto: MotoServer
  readonly postgres: PostgresServer
  readonly old = `Old-${randomBytes(9).toString("hex")}.1`
  readonly role = `shop_${randomBytes(4).toString("hex")}`
  readonly service: Service
  /** AWS's variables. */
  env: Readonly<Record<string, string>> = {}

  constructor(
    project: Project,
    { moto, postgres }: { readonly moto: MotoServer; readonly postgres: PostgresServer },
    isParameter: boolean,
  ) {
    this.project = project
    this.moto = moto
    this.postgres = postgres
    this.isParameter = isParameter
    const about = { admin: false, empty: false, endSessions: false }
    this.service = pairService({ server: postgres, role: this.role, old: this.old, ...about })
  }

  /** Of the secret, or of the parameter. */
  get secret(): string {
    return this.isParameter ? `/${this.#name}` : this.#name
  }
  get id(): string {
    return `${this.isParameter ? "ssm" : "aws"}:${motoAccount}:${motoRegion}:${this.secret}`
  }
  run(...args: readonly string[]): Promise<Ran> {
    return this.project.mycelium(args, { env: this.env })
  }
  entry(): Promise<SecretOf> {
    return this.isParameter ? this.moto.readParameter(this.secret) : this.moto.read(this.secret)
  }
  /** As a program does that has just read the secret. */
  async login(): Promise<string> {
    const { fields } = await this.entry()
    return login(this.postgres, String(fields?.["user"]), String(fields?.["password"]))
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

/** Variables that name these credentials, and none of this machine. */
export function keysOf({
  keyId,
  key,
}: {
  readonly keyId: string
  readonly key: string
}): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: key, AWS_EC2_METADATA_DISABLED: "true" }
}

export async function openAwsShop(
  moto: MotoServer,
  postgres: PostgresServer,
  options: AwsShopOptions = {},
): Promise<AwsShop> {
  const { parameter: isParameter = false } = options
  const shop = new AwsShop(await layOut(), { moto, postgres }, isParameter)
  const { project, service, secret } = shop
  await service.begin(project)
  const first = { user: `${shop.role}_blue`, password: shop.old, theirs: "stays" }
  if (isParameter) await moto.writeParameter(secret, first)
  else await moto.create(secret, options.first === null ? undefined : first)
  const rights = options.rights ?? (isParameter ? parameterRights : secretRights)
  shop.env = options.env ?? keysOf(await moto.user(rights))
  project.script(
    "restart-api",
    "[ ! -e sick ] || { rm sick; exit 1; }",
    "echo restarted >> api.log",
  )
  project.script("health-api", "exit 0")
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { postgres: { ...service.options, ...options.secret } },
        outputs: [
          {
            [isParameter ? "aws_parameter" : "aws_secret"]: secret,
            aws: {
              region: motoRegion,
              account: motoAccount,
              endpoint: options.endpoint ?? moto.address,
              listener: account?.uid ?? "any",
              ...options.aws,
            },
            variables: { user: "{{ postgres.user }}", password: "{{ postgres.password }}" },
            ...options.output,
          },
        ],
        deployments: {
          api: {
            command: ["./restart-api"],
            reads: [shop.id],
            healthy: { command: ["./health-api"], within: "1s" },
          },
        },
      },
    },
  })
  return shop
}

/** Reads the entry and logs in, again and again, as a program that polls. */
export function pollAws(shop: AwsShop): {
  stop(): Promise<{ readonly logins: number; readonly failed: number }>
} {
  let [isOn, logins, failed] = [true, 0, 0]
  const ended = (async () => {
    while (isOn) {
      if ((await shop.login().catch(() => "no")) !== "in") failed++
      logins++
      await Bun.sleep(5)
    }
  })()
  return {
    stop: async () => {
      isOn = false
      await ended
      return { logins, failed }
    },
  }
}
