import { expect } from "bun:test"
import { versionsOf } from "./sealed.ts"
import type { Shop } from "./shop.ts"

/** What `rotate-now --json` prints, and how a rotation that went back is known. */

export type Report = {
  readonly reports: readonly {
    readonly recovered: Outcomes
    readonly outcomes: Outcomes
    readonly revoked: readonly {
      readonly version: string
      readonly death: { readonly kind: string }
    }[]
  }[]
}
export type Outcomes = Readonly<
  Record<string, { readonly kind: string; readonly version?: string; readonly code?: string }>
>

export async function expectBack(shop: Shop, before: string): Promise<void> {
  const { project } = shop
  expect(project.read(".env")).toBe(before)
  expect(project.read("api.loaded")).toBe(before)
  const versions = await versionsOf(project, "postgres")
  for (const { stage, password = "" } of versions)
    expect(await shop.login(password)).toBe(stage === "current" ? "in" : "28P01")
  expect(versions.find(({ stage }) => stage === "current")?.password).toBe(shop.old)
  expect(versions.length).toBeGreaterThan(1)
}
