import type { Held } from "../../../test/support/shop-services.ts"
import type { Logged } from "./log.ts"

/** What one holder of a value holds over the course of a run, and when the run told it to change. */
export type Stages = {
  /** As it was, after the first thing that it was told, and so on: one more than `told`. */
  readonly held: readonly Held[]
  readonly told: readonly Told[]
}
type Told = { readonly sent: number; readonly answered: number }
type Say = Extract<Logged, { readonly kind: "say" }>

export type Orders = {
  /** What a run says to have a value taken, or let go. */
  readonly told: RegExp
  /** What arrives at the server then. */
  readonly sent: RegExp
  /** How many of those come of one word of the run. */
  readonly times?: (text: string) => number
  /** The answer comes on another way than the order. */
  readonly answeredElsewhere?: true
}

/** By the secret's name in the shop; and of an entry of a secret manager. */
const orders: Readonly<Record<string, Orders>> = {
  postgres: same(/ PASSWORD (?:'SCRAM-SHA-256\$|NULL)/),
  redis: same(/\r\nSETUSER\r\n\$\d+\r\n[^\r]*\r\n\$\d+\r\n(?:[#!]|resetpass)/i),
  mariadb: same(/ALTER USER \S+ IDENTIFIED VIA /),
  rabbitmq: same(/^PUT \/api\/users\//),
  key: {
    told: /"verb":"(?:apply|revoke|forget)"/,
    sent: /"act":"(?:set|drop)"/,
    times: (text) =>
      (JSON.parse(text) as { readonly known?: readonly unknown[] }).known?.length ?? 1,
    answeredElsewhere: true,
  },
  // OpenBao's, and AWS's parameters.
  entry: same(
    /^(?:POST|PUT|PATCH|DELETE) \/v1\/secret\/|\r\nx-amz-target: AmazonSSM\.PutParameter\r\n/i,
  ),
}

function same(order: RegExp): Orders {
  return { told: order, sent: order }
}

export function ordersOf(name: string): Orders {
  const found = orders[name]
  if (found === undefined) throw new Error(`how ${name} is told a value is not known here`)
  return found
}

/** `held`: as it was before the run, and after each order that arrived. */
export function stagesOf(name: string, logged: readonly Logged[], held: readonly Held[]): Stages {
  const { told, times = () => 1, answeredElsewhere = false } = ordersOf(name)
  const all = logged.flatMap((one, index): readonly Told[] => {
    if (one.kind !== "say" || !told.test(one.text)) return []
    const answered = answerTo(one, logged.slice(index + 1), answeredElsewhere)
    return Array.from({ length: times(one.text) }, () => ({ sent: one.entered, answered }))
  })
  if (all.length !== held.length - 1)
    throw new Error(`${name}: ${all.length} orders in the log, ${held.length - 1} arrived`)
  return { held, told: all }
}

function answerTo(order: Say, rest: readonly Logged[], elsewhere: boolean): number {
  const heard = rest.find(
    (one) => one.kind === "hear" && (elsewhere || one.socket === order.socket),
  )
  return heard?.returned ?? Number.POSITIVE_INFINITY
}

/**
 * Where the service may be when the power goes right after `instant`: as far as it had answered, or
 * further, as far as it was told.
 */
export function stagesAt(
  { told }: Stages,
  instant: number,
): { readonly least: number; readonly most: number } {
  return {
    least: told.filter(({ answered }) => answered <= instant).length,
    most: told.filter(({ sent }) => sent <= instant).length,
  }
}
