import { expect } from "bun:test"
import {
  each,
  type End,
  endOf,
  incident,
  type Kind,
  kinds,
  open,
  type Servers,
  verdictsOf,
} from "./contain-ends.ts"
import type { Shop, ShopOptions } from "./shop.ts"

/**
 * The table of every way in which a containment can end: what the run, its exit code, --json,
 * status, plan, check and the report say must agree.
 */

/**
 * What a run says, and what the same command does once what stood in its way is removed (or at once,
 * if nothing did).
 */
type Row = { readonly end: End; readonly again: Awaited<ReturnType<typeof verdictsOf>> }
type Expected = readonly [end: End, again: string]

export const yes: End = {
  exit: 0,
  last: `${incident}: contained`,
  why: "",
  told: "fine",
  report: "Contained: yes",
  reportExit: 0,
}
export const unhealthy: End = { ...yes, exit: 5, why: "unhealthy" }
export const left = (why: string): End => ({
  exit: 7,
  last: `${incident}: NOT all contained, 1 left`,
  why,
  told: "not contained",
  report: "Contained: NOT yet",
  reportExit: 7,
})
export const owed: Expected = [
  {
    ...yes,
    exit: 5,
    last: `${incident}: contained; not all that programs read is written: that is owed, and named above`,
    why: "output-drift",
    told: "an output is owed",
  },
  "0 contained",
]
export const newLogins = (why: string): End => ({
  ...yes,
  exit: 5,
  last: `${incident}: contained for new logins`,
  why,
  report: "Contained: yes, for new logins only",
})

export const contained: Expected = [yes, "0 contained"]
export const leftFor = (why: string): Expected => [left(why), "7 not-contained"]
export const leftOnce = (why: string): Expected => [left(why), "0 contained"]

/** Every kind as `usual`, except those that are named. */
export function rows(
  usual: Expected,
  except: Partial<Record<Kind, Expected>> = {},
  of: readonly Kind[] = kinds,
): Readonly<Record<string, Expected>> {
  return Object.fromEntries(of.map((kind) => [kind, except[kind] ?? usual]))
}

export const services = kinds.filter((kind) => kind !== "generated")
export const intruders = "Intruders-own.1234567"
type Act = (shop: Shop, kind: Kind) => Promise<Row>

export async function expectRows(
  servers: Servers,
  expected: Readonly<Record<string, Expected>>,
  act: Act,
  more: (kind: Kind) => ShopOptions = () => ({}),
): Promise<void> {
  const found = await each(
    kinds.filter((kind) => expected[kind] !== undefined),
    async (kind) => {
      await using shop = await open(servers, kind, more(kind))
      const { end, again } = await act(shop, kind)
      return [end, `${again.exit} ${again.kind.join(" ")}`] as const
    },
  )
  expect(found).toEqual(expected as never)
}

/** Adopted; then `before` happens, and after the first run `repair`. */
export function adopted(
  before: Act | ((shop: Shop, kind: Kind) => unknown),
  repair: (shop: Shop, kind: Kind) => unknown = () => undefined,
): Act {
  return async (shop, kind) => {
    await shop.adopt()
    await before(shop, kind)
    const end = await endOf(shop)
    await repair(shop, kind)
    return { end, again: await verdictsOf(shop) }
  }
}
export async function never(shop: Shop): Promise<Row> {
  await shop.run("init")
  return { end: await endOf(shop), again: await verdictsOf(shop) }
}
export function loginWith(shop: Shop, kind: Kind, password: string): Promise<string> {
  return kind === "generated"
    ? Promise.resolve("")
    : shop.service.login({ user: kind === "pair" ? `${shop.role}_blue` : shop.role, password })
}
