import type { Socket } from "node:net"
import type { ActivityScope } from "../../../base/activity-scope.ts"
import type { Reference } from "../../../core/ports.ts"

/**
 * An admin logs in once for many acts: the connection is kept for the next act, of another secret
 * too, as long as any act is under way. A connection on which anything failed is not kept, nor one
 * whose user may have got another password meanwhile. Proofs never use the pool: each is a login of
 * its own.
 */

/**
 * How long (ms) a connection may stay unused: it takes a seat at the server, and its login may have
 * been taken away meanwhile.
 */
const idleMs = 5000
/**
 * How long (ms) a connection is used at most, however busy: so a login that was taken away is
 * noticed soon.
 */
const oldMs = 30_000

export interface PooledConnection {
  /** Nothing is under way on it, and neither side has ended it. */
  readonly usable: boolean
  /** How often the server has answered. */
  readonly answers: number
  /** It ends when `signal` aborts; without one it waits, and keeps no process alive. */
  bind(signal: AbortSignal | undefined): void
  close(): Promise<void> | void
}

/**
 * Binds a connection to one signal at a time: `onAbort` is called when it aborts. Without a signal
 * the connection waits, and keeps no process alive.
 */
export class AbortBinding {
  readonly #socket: Pick<Socket, "ref" | "unref">
  readonly #onAbort: () => void
  #signal: AbortSignal | undefined

  constructor(socket: Pick<Socket, "ref" | "unref">, onAbort: () => void) {
    this.#socket = socket
    this.#onAbort = onAbort
  }

  to(signal: AbortSignal | undefined): void {
    this.end()
    this.#signal = signal
    if (signal === undefined) return void this.#socket.unref()
    this.#socket.ref()
    signal.addEventListener("abort", this.#onAbort)
    if (signal.aborted) this.#onAbort()
  }

  end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort)
  }
}

/**
 * What tells two logins apart. The password is known by where it stands, and read for a new login
 * only: a command that asks a vault for it runs once for many acts.
 */
export type PoolKey = {
  readonly server: string
  readonly user: string
  readonly password: Reference
  readonly rest: readonly unknown[]
}

/**
 * How a connection comes, and what is said on it around an act. The first word of an act may be
 * said twice.
 */
export type PoolHooks<Connection> = {
  open(): Promise<Connection>
  /** An earlier connection will not do: the act needs one that begins now. */
  readonly isNew?: boolean
  /** Not after `open`: goes out with the act's first word. */
  begin(connection: Connection): void
  /** As if it had ended: it holds no lock. */
  end(connection: Connection): Promise<void>
}

type Idle<Connection> = {
  readonly connection: Connection
  readonly timer: ReturnType<typeof setTimeout>
}

export class ConnectionPool<Connection extends PooledConnection> {
  readonly #activity: ActivityScope
  readonly #idle = new Map<string, Idle<Connection>[]>()
  /** By user: how often they may have got another password. */
  readonly #changes = new Map<string, number>()
  readonly #old = new WeakSet<Connection>()

  constructor(activity: ActivityScope) {
    this.#activity = activity
    activity.atEnd(() => this.#closeAll(() => true))
  }

  async use<Result>(
    login: PoolKey,
    hooks: PoolHooks<Connection>,
    signal: AbortSignal,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    const key = keyOf(login)
    const changes = this.#changes.get(login.user)
    const pooled = this.#take(key, hooks.isNew === true)
    const connection = pooled ?? (await this.#open(hooks))
    const { answers } = connection
    try {
      if (pooled !== undefined) {
        pooled.bind(signal)
        hooks.begin(pooled)
      }
      const result = await work(connection)
      // What was done is done, whatever becomes of the connection.
      const hasEnded = this.#activity.runs && (await succeeds(hooks.end(connection)))
      const isSame = this.#changes.get(login.user) === changes
      if (hasEnded && isSame && this.#mayServeAgain(connection)) this.#keep(key, connection)
      else await connection.close()
      return result
    } catch (error) {
      await connection.close()
      // One that the server had ended by then: nothing was done.
      if (pooled !== undefined && connection.answers === answers && !signal.aborted)
        return this.use(login, hooks, signal, work)
      throw error
    }
  }

  #mayServeAgain(connection: Connection): boolean {
    return connection.usable && !this.#old.has(connection) && this.#activity.runs
  }

  /** This user may have another password now: no earlier connection of theirs is used any more. */
  changed(user: string): void {
    this.#changes.set(user, (this.#changes.get(user) ?? 0) + 1)
    this.#closeAll((key) => key.startsWith(prefixOf(user)))
  }

  async #open(hooks: PoolHooks<Connection>): Promise<Connection> {
    const connection = await hooks.open()
    setTimeout(() => this.#old.add(connection), oldMs).unref()
    return connection
  }

  /** `isNew`: none is taken, and the idle ones are closed. */
  #take(key: string, isNew: boolean): Connection | undefined {
    for (
      let idle = this.#idle.get(key)?.pop();
      idle !== undefined;
      idle = this.#idle.get(key)?.pop()
    ) {
      clearTimeout(idle.timer)
      if (idle.connection.usable && !isNew) return idle.connection
      void idle.connection.close()
    }
    return undefined
  }

  #keep(key: string, connection: Connection): void {
    connection.bind(undefined)
    const idle = this.#idle.get(key) ?? []
    this.#idle.set(key, idle)
    const one = { connection, timer: setTimeout(() => this.#expire(idle, one), idleMs).unref() }
    idle.push(one)
  }

  #expire(idle: Idle<Connection>[], one: Idle<Connection>): void {
    const at = idle.indexOf(one)
    if (at < 0) return
    idle.splice(at, 1)
    void one.connection.close()
  }

  #closeAll(which: (key: string) => boolean): void {
    for (const [key, idle] of this.#idle) {
      if (!which(key)) continue
      this.#idle.delete(key)
      for (const { connection, timer } of idle) {
        clearTimeout(timer)
        void connection.close()
      }
    }
  }
}

function prefixOf(user: string): string {
  return `${JSON.stringify(user)} `
}

function keyOf({ server, user, password, rest }: PoolKey): string {
  return `${prefixOf(user)}${JSON.stringify([server, password, rest])}`
}

/** The connections of a kind that are kept while an activity runs. */
export function poolIn<Connection extends PooledConnection>(): (
  activity: ActivityScope,
) => ConnectionPool<Connection> {
  const all = new WeakMap<ActivityScope, ConnectionPool<Connection>>()
  return (activity) => {
    const pooled = all.get(activity) ?? new ConnectionPool<Connection>(activity)
    all.set(activity, pooled)
    return pooled
  }
}

function succeeds(act: Promise<unknown>): Promise<boolean> {
  return act.then(
    () => true,
    () => false,
  )
}
