import type { Held, Service } from "../../../test/support/shop-services.ts"
import type { Logged } from "./log.ts"

/** What one service holds over the course of a run, and when the run told it to change. */
export type Stages = {
  /** As it was, after each thing that it was told, and so on: one more than `told`. */
  readonly held: readonly Held[]
  readonly told: readonly { readonly sent: number; readonly answered: number }[]
}

/** How a run tells a service to take a value, or to let one go. */
const orders: Readonly<Record<string, RegExp>> = {
  postgres: / PASSWORD (?:'SCRAM-SHA-256\$|NULL)/,
  redis: /\r\nSETUSER\r\n\$\d+\r\n[^\r]*\r\n\$\d+\r\n(?:[#!]|resetpass)/i,
  mariadb: /ALTER USER \S+ IDENTIFIED VIA /,
  rabbitmq: /^PUT \/api\/users\//,
  key: /"verb":"(?:apply|revoke|forget)"/,
}

/** `between`: what it held while the first program was restarted, or nothing where none was. */
export function stagesOf(
  service: Service,
  logged: readonly Logged[],
  held: { readonly before: Held; readonly between: Held | undefined; readonly after: Held },
): Stages {
  const order = orders[service.secret]
  if (order === undefined)
    throw new Error(`how ${service.secret} is told a value is not known here`)
  const told = logged.flatMap((one, index) => {
    if (one.kind !== "say" || !order.test(one.text)) return []
    const answered =
      logged.slice(index + 1).find(({ kind }) => kind === "hear")?.returned ??
      Number.POSITIVE_INFINITY
    return [{ sent: one.entered, answered }]
  })
  const between = told.length > 1 ? [held.between ?? held.after] : []
  const all = told.length === 0 ? [held.before] : [held.before, ...between, held.after]
  if (told.length > 2)
    throw new Error(`${service.secret} was told ${told.length} things; two are understood`)
  return { held: all, told }
}

/** Where the service may be when the power goes right after `instant`: as far as it had answered, or further, as far as it was told. */
export function stagesAt(
  { told }: Stages,
  instant: number,
): { readonly least: number; readonly most: number } {
  return {
    least: told.filter(({ answered }) => answered <= instant).length,
    most: told.filter(({ sent }) => sent <= instant).length,
  }
}
