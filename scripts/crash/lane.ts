import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Ran } from "../../test/support/mycelium.ts"
import { type Shop, openShop } from "../../test/support/shop.ts"
import type { PostgresServer } from "../../test/support/servers/postgres.ts"
import type { RedisServer } from "../../test/support/servers/redis.ts"
import { readStrace } from "../../test/support/strace.ts"
import type { Call } from "../../test/support/strace.ts"
import { type Cut, cuttable, marking } from "./cuts.ts"
import type { Scenario } from "./scenarios.ts"

export type Servers = { readonly postgres: PostgresServer; readonly redis: RedisServer }

/** One shop that is brought to the instant before the command again and again: its files, and the password at the server. */
export class Lane implements AsyncDisposable {
  readonly shop: Shop
  readonly scenario: Scenario
  readonly #putBack: () => Promise<void>

  constructor(shop: Shop, scenario: Scenario, putBack: () => Promise<void>) {
    this.shop = shop
    this.scenario = scenario
    this.#putBack = putBack
  }

  static async open({ postgres, redis }: Servers, scenario: Scenario): Promise<Lane> {
    const shop = await openShop(postgres, scenario.redis === true ? { ...scenario.shop, redis } : scenario.shop)
    await scenario.prepare(shop)
    for (const folder of ["project", "home"]) copy(join(shop.project.root, folder), join(shop.project.root, `kept-${folder}`))
    return new Lane(shop, scenario, scenario.shop.generatedOnly === true ? () => Promise.resolve() : await shop.service.keep())
  }

  /** Back to the instant before the command. */
  async reset(): Promise<void> {
    const { project } = this.shop
    for (const folder of ["project", "home"]) {
      rmSync(join(project.root, folder), { recursive: true, force: true })
      copy(join(project.root, `kept-${folder}`), join(project.root, folder))
    }
    await this.#putBack()
  }

  /** The command, watched and not disturbed. */
  async watch(): Promise<readonly Call[]> {
    const ran = await this.run({ trace: [...new Set([...cuttable, ...marking]), "openat", "clone", "clone3"] })
    if (ran.code === undefined) throw new Error(`${this.scenario.name}: the command did not end by itself: ${ran.stderr}`)
    return this.calls()
  }

  /** The command, killed at `cut`. */
  async kill({ call, when }: Cut): Promise<Ran> {
    return this.run({ trace: [...new Set([...marking, call, "clone3", "clone"])], inject: `${call}:signal=KILL:when=${when}` })
  }

  calls(): readonly Call[] {
    return readStrace(this.#log)
  }

  async run(how?: { readonly trace: readonly string[]; readonly inject?: string }): Promise<Ran> {
    if (how === undefined) return this.shop.project.mycelium(this.scenario.args)
    const inject = how.inject === undefined ? [] : ["-e", `inject=${how.inject}`]
    const under = ["strace", "-f", "-y", "-qq", "-s", "16", "-o", this.#log, "-e", `trace=${how.trace.join(",")}`, ...inject]
    return this.shop.project.mycelium(this.scenario.args, { under })
  }

  get #log(): string {
    return join(this.shop.project.root, "strace.log")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shop[Symbol.asyncDispose]()
  }
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
}

