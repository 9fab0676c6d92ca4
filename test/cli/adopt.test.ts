import { expect, test } from "bun:test"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../support/temp-folder.ts"

const binary = join(import.meta.dir, "..", "..", "dist", "mycelium")

async function project(): Promise<{ readonly folder: string; readonly run: (args: readonly string[], stdin?: string) => Promise<{ readonly code: number; readonly out: string; readonly talk: string }> } & AsyncDisposable> {
  const temporary = await temporaryFolder()
  const folder = temporary.path
  await chmod(folder, 0o700)
  await writeFile(join(folder, "mycelium.yaml"), 'project: shop\nstore: ./store\nenvironments:\n  production: { rotate_every: 90d, secrets: { session: generated, temporal: generated } }\n', { mode: 0o600 })
  const run = async (args: readonly string[], stdin = ""): Promise<{ code: number; out: string; talk: string }> => {
    const child = Bun.spawn([binary, ...args], { cwd: folder, env: { PATH: process.env["PATH"] ?? "", XDG_CONFIG_HOME: join(folder, "config"), HOME: folder }, stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" })
    const [out, talk] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { code: await child.exited, out, talk }
  }
  await run(["init"])
  return { folder, run, [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() }
}

test("adopt --from takes the file of the Python Mycelium, and marks what is easily guessed as due at the next tick", async () => {
  await using shop = await project()
  const strong = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url")
  await writeFile(join(shop.folder, "shop.json"), JSON.stringify({ project_name: "shop", session_password: strong, temporal_admin_password: "changeme", redis_password: null }), { mode: 0o600 })
  const adopted = await shop.run(["adopt", "production", "--from", "shop.json"])
  expect(adopted.out).toContain("production/session: adopted as v1")
  expect(adopted.out).toContain("production/temporal: adopted as v1: no service asks for it; it is easily guessed, so it is due at the next tick")
  expect(adopted.code).toBe(0)
  expect(adopted.out + adopted.talk).not.toContain(strong)
  const status = JSON.parse((await shop.run(["status", "--json"])).out) as { readonly environments: readonly { readonly secrets: readonly { readonly name: string; readonly dueAt: string }[] }[] }
  const due = Object.fromEntries((status.environments[0]?.secrets ?? []).map(({ name, dueAt }) => [name, (Date.parse(dueAt) - Date.now()) / 86_400_000]))
  expect(due["temporal"]).toBeLessThanOrEqual(1)
  expect(due["session"]).toBeGreaterThan(80)
  expect((await shop.run(["rotate-now", "production/temporal"])).code).toBe(0)
  expect((await shop.run(["status"])).out).not.toContain("easily guessed")
})

test("adopt --from - reads stdin, and says what is wrong with it without quoting it", async () => {
  await using shop = await project()
  for (const [stdin, says] of [["{hunter2", "holds no JSON"], ['["hunter2"]', "holds no JSON object"], ['{"other":"hunter2"}', "a value of none of the secrets"], ['{"session":7}', "is no text"]] as const) {
    const { code, talk, out } = await shop.run(["adopt", "production", "--from", "-"], stdin)
    expect(talk).toContain(says)
    expect(talk + out).not.toContain("hunter2")
    expect(code).toBe(1)
  }
  expect((await shop.run(["adopt", "production", "--ask"])).code).toBe(2)
})
