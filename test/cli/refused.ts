import { expect } from "bun:test"
import type { Ran, RunHow } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"
import type { Shop } from "../support/shop.ts"

export type Refusal = {
  readonly code: number
  /** On either stream. */
  readonly message: string | readonly string[]
  readonly hint?: string
  readonly how?: RunHow
  /** Paths below the project's root that may change, and why: said at the call. */
  readonly mayChange?: RegExp
}

/**
 * The command refuses in one clear sentence without a value or a stack, with its exit code, and
 * leaves everything as it was.
 */
export async function expectRefused(
  shop: Shop,
  args: readonly string[],
  refusal: Refusal,
): Promise<Ran> {
  const values = await valuesOf(shop)
  const before = await everything(shop, refusal.mayChange)
  const ran = await shop.project.mycelium(args, refusal.how)
  const said = `${ran.stdout}${ran.stderr}`
  for (const message of [refusal.message].flat()) expect(said).toContain(message)
  if (refusal.hint !== undefined) expect(said).toContain(`hint: ${refusal.hint}`)
  expectClear(said, values)
  expect(ran.code).toBe(refusal.code)
  expect(await everything(shop, refusal.mayChange)).toEqual(before)
  return ran
}

export function expectClear(said: string, values: readonly string[]): void {
  for (const value of values) expect(said).not.toContain(value)
  expect(said).not.toMatch(/^\s+at .*[:(]/m)
  expect(said).not.toMatch(/unexpected error|undefined|\[object|AppError|Error:/)
}

/** Values that no output may show: of every version that can be opened, and of the files. */
async function valuesOf(shop: Shop): Promise<readonly string[]> {
  const opened = await Promise.all(
    ["postgres", "session_key"].map((name) => versionsOf(shop.project, name).catch(() => [])),
  )
  return [shop.old, ...opened.flat().flatMap(({ password }) => password ?? [])]
}

async function everything({ project, server, role }: Shop, mayChange?: RegExp): Promise<unknown> {
  const files = Object.entries(project.snapshot()).filter(
    ([path]) => mayChange?.test(path) !== true,
  )
  return {
    files: Object.fromEntries(files),
    stored: await server.sql(
      `select rolname, rolpassword from pg_authid where rolname like '${role}%' order by 1`,
    ),
  }
}
