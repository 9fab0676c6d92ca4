import { createHash } from "node:crypto"
import { readFile, readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { login } from "./login.ts"
import type { Stage } from "./stage.ts"

/** The demo's own eyes: none of this asks Mycelium. */

export function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not as expected: ${what}`)
}

export async function envText({ folder }: Stage): Promise<string> {
  return readFile(join(folder, ".env"), "utf8")
}

export function passwordIn(env: string): string {
  return /^POSTGRES_PASSWORD=(.*)$/m.exec(env)?.[1] ?? ""
}

/** All but the password. */
export function restOf(env: string): string {
  return env.replace(/^POSTGRES_PASSWORD=.*$/m, "")
}

/** The server's answer to this password of the role, from outside. */
export async function answerTo({ server }: Stage, password: string): Promise<string> {
  return login({ host: server.host, port: server.port, user: "shop", password, database: "shop" })
}

export type Kept = { readonly path: string; readonly mode: string; readonly isFolder: boolean }

/** What Mycelium made or wrote, with its permission bits. */
export async function kept({ home }: Stage): Promise<readonly Kept[]> {
  const own = [
    "shop/.env",
    ...(await below(home, ".config/mycelium")),
    ...(await below(home, ".local/state/mycelium")),
  ]
  return Promise.all(
    own.map(async (path) => {
      const stats = await stat(join(home, path))
      return {
        path,
        isFolder: stats.isDirectory(),
        mode: (stats.mode & 0o7777).toString(8).padStart(4, "0"),
      }
    }),
  )
}

async function below(home: string, folder: string): Promise<readonly string[]> {
  const names = await readdir(join(home, folder), { recursive: true })
  return [folder, ...names.map((name) => join(folder, name))]
}

/**
 * Where one of these texts stands: all that the demo made, the server's data and its log of all
 * statements too.
 */
export async function filesWith(
  { home, server }: Stage,
  texts: readonly string[],
): Promise<readonly string[]> {
  const ours = await filesBelow(home)
  const theirs = await filesBelow(server.folder)
  const found: string[] = []
  for (const path of [...ours, ...theirs]) {
    // The server removes files while we look.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    if (texts.some((text) => bytes.includes(text)))
      found.push(path.replace(`${server.folder}/`, "the server's ").replace(`${home}/`, ""))
  }
  return found
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

export async function auditLines({ home }: Stage): Promise<readonly string[]> {
  return (
    await readFile(join(home, ".local/state/mycelium/secrets/shop/production.audit.jsonl"), "utf8")
  )
    .trimEnd()
    .split("\n")
}

/** Each line holds the SHA-256 of the line before it. */
export function isChain(lines: readonly string[]): boolean {
  return lines.every((line, index) => {
    const { n, prev }: { n?: unknown; prev?: unknown } = JSON.parse(line)
    const before = lines[index - 1]
    return (
      n === index + 1 &&
      prev ===
        (before === undefined ? "0".repeat(64) : createHash("sha256").update(before).digest("hex"))
    )
  })
}
