import { startRelay } from "../../../test/support/relay.ts"
import type { Shop } from "../../../test/support/shop.ts"
import type { Held, Holder } from "../../../test/support/shop-services.ts"
import { ordersOf } from "./stages.ts"

/**
 * Stands before each server of a shop. When an order has been carried out there, it asks what the
 * server holds now, and only then does the run hear the answer: nothing that comes later can be in
 * it.
 */
export class Watch implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack
  readonly #holders: readonly Named[]
  #held: Held[][] = []

  private constructor(holders: readonly Named[], stack: AsyncDisposableStack) {
    this.#holders = holders
    this.#stack = stack
  }

  /** Of a shop that no command has seen yet: from now on its config names these relays. */
  static async before(shop: Shop): Promise<Watch> {
    const holders = namedOf(shop)
    const stack = new AsyncDisposableStack()
    const watch = new Watch(holders, stack)
    let config = shop.project.read("mycelium.yaml")
    for (const [index, { name, holder }] of holders.entries()) {
      const relay = stack.use(await startRelay(holder.port))
      const { sent } = ordersOf(name)
      relay.watch(
        (text) => (sent.test(text) ? "ask" : "pass"),
        async () => void watch.#held[index]?.push(await holder.held()),
      )
      config = config.replaceAll(`127.0.0.1:${holder.port}`, `127.0.0.1:${relay.port}`)
    }
    // The relay runs as we do, not as the account of the server.
    shop.project.write("mycelium.yaml", config.replaceAll(/"listener": \d+/g, '"listener": "any"'))
    return watch
  }

  get names(): readonly string[] {
    return this.#holders.map(({ name }) => name)
  }

  async begin(): Promise<void> {
    this.#held = (await this.#now()).map((held) => [held])
  }

  /** What each held at the beginning, and after each order since. */
  async end(): Promise<readonly (readonly Held[])[]> {
    for (const [index, held] of (await this.#now()).entries())
      if (JSON.stringify(held) !== JSON.stringify(this.#held[index]?.at(-1)))
        throw new Error(`${this.names[index]} holds something else than after its last order`)
    return this.#held
  }

  #now(): Promise<readonly Held[]> {
    return Promise.all(this.#holders.map(({ holder }) => holder.held()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

type Named = { readonly name: string; readonly holder: Holder }

function namedOf({ services }: Shop): readonly Named[] {
  return services.flatMap((service) => [
    { name: service.secret, holder: service },
    ...(service.entry === undefined ? [] : [{ name: "entry", holder: service.entry }]),
  ])
}
