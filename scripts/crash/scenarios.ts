import { mkdirSync } from "node:fs"
import type { KeyService } from "../../test/plugins/drivers/exec/key-service.ts"
import type { PostgresServer } from "../../test/support/servers/postgres.ts"
import type { OpenBaoServer } from "../../test/support/servers/openbao.ts"
import type { MariadbServer } from "../../test/support/servers/mariadb.ts"
import type { RabbitmqServer } from "../../test/support/servers/rabbitmq.ts"
import type { StrictSsm } from "../../test/support/strict-ssm.ts"
import type { RedisServer } from "../../test/support/servers/redis.ts"
import type { Shop, ShopOptions } from "../../test/support/shop.ts"

export type Servers = {
  readonly postgres: PostgresServer
  readonly mariadb: MariadbServer
  readonly rabbitmq: RabbitmqServer
  readonly redis: RedisServer
  readonly keys: KeyService
  /** A stand-in for Parameter Store. */
  readonly ssm: StrictSsm
  /** undefined where OpenBao cannot be had. */
  readonly vault: OpenBaoServer | undefined
}

/** What is cut: one command in a shop that was brought to the instant before it. */
export type Scenario = {
  readonly name: string
  readonly message: string
  readonly shop: (servers: Servers) => ShopOptions
  readonly args: readonly string[]
  /** From a shop that is laid out to the instant before the command. */
  readonly prepare: (shop: Shop) => Promise<void>
  /** Commands that lead to it, where the shop is prepared by nothing else. */
  readonly setUp?: readonly (readonly string[])[]
  /** How it must end when it is called again after a cut. */
  readonly rest: "rotated" | "back" | "adopted" | "deleted"
  /** Cuts begin once the new value is promoted: to reach the revoke without the rest. */
  readonly onlyRevoke?: true
}

/** `title`: as the matrix in the manual names it. */
const kinds: Readonly<
  Record<
    string,
    { readonly title: string; readonly message: string; readonly shop: Scenario["shop"] }
  >
> = {
  generated: {
    title: "`generated`",
    message: "a value that no service asks for",
    shop: () => ({ generatedOnly: true }),
  },
  role: { title: "one role", message: "a role that changes its own password", shop: () => ({}) },
  admin: {
    title: "one role, an admin",
    message: "a role that an admin changes",
    shop: () => ({ admin: true }),
  },
  pair: { title: "two roles in turn", message: "two roles in turn", shop: () => ({ pair: true }) },
  mariadb: {
    title: "`mariadb`",
    message: "an account of MariaDB, two passwords for a while",
    shop: ({ mariadb }) => ({ mariadb }),
  },
  rabbitmq: {
    title: "`rabbitmq`",
    message: "a user of RabbitMQ, one password, set by an admin",
    shop: ({ rabbitmq }) => ({ rabbitmq }),
  },
  redis: {
    title: "`redis`",
    message: "a user of Redis, two passwords for a while",
    shop: ({ redis }) => ({ redis }),
  },
  exec: {
    title: "`exec`",
    message: "a program, two values for a while",
    shop: ({ keys }) => ({ exec: keys }),
  },
  three: {
    title: "three secrets, two programs",
    message: "a role, a user of Redis and a generated value at once, two files, two programs",
    shop: ({ redis }) => ({ admin: true, beside: redis, two: true }),
  },
}

const rotate = ["rotate-now", "production", "--json"]
const adopted = (shop: Shop): Promise<void> => shop.adopt()

type Way = Omit<Scenario, "name" | "message" | "shop"> & {
  readonly title: string
  readonly message: string
  readonly more?: ShopOptions
}
const ways: Readonly<Record<string, Way>> = {
  forward: {
    title: "rotates",
    message: "rotated",
    args: rotate,
    prepare: adopted,
    rest: "rotated",
  },
  back: {
    title: "goes back",
    message: "a health check fails, it goes back",
    args: rotate,
    prepare: unhealthy,
    rest: "back",
  },
  revoke: {
    title: "revokes",
    message: "the old value is taken away",
    args: rotate,
    prepare: adopted,
    rest: "rotated",
    onlyRevoke: true,
  },
  adopt: {
    title: "adopts",
    message: "taken over",
    args: ["adopt", "production", "--json"],
    prepare: init,
    rest: "adopted",
  },
  new: {
    title: "makes a first value",
    message: "a first value",
    args: [...rotate, "--new"],
    prepare: init,
    rest: "rotated",
    more: { empty: true },
  },
  delete: {
    title: "deletes",
    message: "erased",
    args: ["delete", "production", "--yes", "--json"],
    prepare: adopted,
    rest: "deleted",
  },
}

/** Combinations that there are not, and why. */
export const impossible: Readonly<Record<string, string>> = {
  "generated-revoke": "no service asks for it: nothing is taken away",
  "role-new": "who has no password cannot log in to set one; refused before anything is made",
  "role-delete": "only an admin can end a login; refused, unless it is to stay (--keep-login)",
}

/** Beside the table of services and ways. */
const others: readonly Scenario[] = [
  {
    name: "sessions",
    message: "a role; the old sessions are ended, cut anywhere",
    shop: () => ({ endSessions: true }),
    args: rotate,
    prepare: adopted,
    rest: "rotated",
  },
  {
    name: "again",
    message: "a role and a generated value; the recovery itself is cut, going forward",
    shop: () => ({ two: true }),
    args: rotate,
    prepare: killedForward,
    rest: "rotated",
  },
  {
    name: "again-back",
    message: "as again, going back",
    shop: () => ({ two: true }),
    args: rotate,
    prepare: killedBack,
    rest: "back",
  },
]

/** Two roles in turn that a .env and an entry of a manager show; one for each way. */
const entries: readonly Scenario[] = Object.entries(ways).flatMap(
  ([way, { title: _, message: does, more, ...rest }]): Scenario[] => [
    {
      ...rest,
      name: `entry-${way}`,
      message: `two roles in turn, in a file and in an entry of OpenBao: ${does}`,
      shop: ({ vault }) => {
        if (vault === undefined) throw new Error("there is no OpenBao here")
        return { pair: true, entry: vault, ...more }
      },
    },
    {
      ...rest,
      name: `parameter-${way}`,
      message: `two roles in turn, in a file and in a parameter of AWS, where nothing is compared: ${does}`,
      shop: ({ ssm }) => ({ pair: true, entry: ssm, ...more }),
    },
  ],
)

export const scenarios: readonly Scenario[] = [
  ...Object.entries(kinds).flatMap(([kind, { message, shop }]) =>
    Object.entries(ways).flatMap(
      ([way, { title: _, message: does, more, ...rest }]): Scenario[] => {
        const name = `${kind}-${way}`
        return impossible[name] === undefined
          ? [
              {
                ...rest,
                name,
                message: `${message}: ${does}`,
                shop: (servers) => ({ ...shop(servers), ...more }),
              },
            ]
          : []
      },
    ),
  ),
  ...others,
  ...entries,
]

export const matrix = { kinds: titlesOf(kinds), ways: titlesOf(ways) } as const

function titlesOf(
  all: Readonly<Record<string, { readonly title: string }>>,
): readonly (readonly [string, string])[] {
  return Object.entries(all).map(([name, { title }]) => [name, title])
}

/**
 * For the loss of power, which must not take a store with it that was made a moment ago: nothing is
 * there but the config.
 */
export const fresh: readonly Scenario[] = [
  {
    name: "fresh-new",
    message: "init, then a first value",
    shop: () => ({ admin: true, empty: true }),
    setUp: [["init"]],
    args: [...rotate, "--new"],
    prepare: makeHome,
    rest: "rotated",
  },
  {
    name: "fresh-forward",
    message: "init, adopt, then rotated",
    shop: () => ({}),
    setUp: [["init"], ["adopt", "production"]],
    args: rotate,
    prepare: makeHome,
    rest: "rotated",
  },
]

function makeHome({ project }: Shop): Promise<void> {
  mkdirSync(project.home, { mode: 0o700 })
  return Promise.resolve()
}

async function init(shop: Shop): Promise<void> {
  const { code, stderr } = await shop.run("init")
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`)
}

async function unhealthy(shop: Shop): Promise<void> {
  await shop.adopt()
  shop.sicken()
}

/** Dies in its first restart, with the new password at the server and in the file. */
async function killedForward(shop: Shop): Promise<void> {
  await shop.adopt()
  await dieIn(shop, 'if [ -e die ]; then rm die; kill -9 "$PPID"; exit 1; fi')
}

/** Dies on the way back, in the restart with the former file. */
async function killedBack(shop: Shop): Promise<void> {
  await unhealthy(shop)
  await dieIn(
    shop,
    'if [ -e die ] && cmp -s .env good.env; then rm die; kill -9 "$PPID"; exit 1; fi',
  )
}

async function dieIn({ project, role }: Shop, line: string): Promise<void> {
  const hook = project.read("restart-api")
  project.script("restart-api", line, ...hook.split("\n").slice(1))
  project.write("die", "")
  const { signal, stdout, stderr } = await project.mycelium(rotate)
  if (signal !== "SIGKILL")
    throw new Error(`${role} was not killed in its hook: ${stdout}${stderr}`)
}
