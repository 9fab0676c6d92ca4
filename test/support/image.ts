import { cp, mkdir, readFile, realpath, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { imagePackages } from "../../scripts/servers/image.ts"
import type { DockerEngine } from "./servers/docker.ts"
import { type TemporaryFolder, temporaryFolder } from "./temp-folder.ts"

/**
 * The images that config/Dockerfile builds on, under their names, made here from packages of
 * Debian: there is no registry of images to ask. What the build fetches from npm lies in it
 * already, in the folder that it would be fetched into.
 */

const root = join(import.meta.dir, "../..")
const path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** Why they cannot be made. */
export async function imageIsMissing(): Promise<string | undefined> {
  if (Bun.which("node") === null) return "node is not installed"
  if (Bun.which("git") === null) return "git is not installed"
  const packages = await imagePackages()
  return "why" in packages ? packages.why : undefined
}

export async function makeBaseImages(engine: DockerEngine): Promise<void> {
  const debian = await packagesFolder()
  await importFolder(engine, "debian:12-slim", debian)
  await using draft = await temporaryFolder()
  const { path: folder } = draft
  await cp(debian, folder, { recursive: true, verbatimSymlinks: true })
  await mkdir(join(folder, "usr/local/bin"), { recursive: true })
  await mkdir(join(folder, "tmp"), { recursive: true, mode: 0o1777 })
  await cp(await realpath(Bun.which("node") ?? ""), join(folder, "usr/local/bin/node"))
  for (const name of [".tools/node_modules", "node_modules"]) {
    const from = await realpath(join(root, name))
    await cp(from, join(folder, "build", name), { recursive: true, verbatimSymlinks: true })
  }
  await importFolder(engine, "node:22-bookworm", folder)
}

/** With the engine's own `docker` and Compose, where the official image has them. */
export async function makeCliImage(engine: DockerEngine): Promise<void> {
  await using draft = await temporaryFolder()
  const programs = {
    "usr/local/bin/docker": engine.docker,
    "usr/local/libexec/docker/cli-plugins/docker-compose": join(
      engine.env["DOCKER_CONFIG"] ?? "",
      "cli-plugins/docker-compose",
    ),
  }
  for (const [name, from] of Object.entries(programs))
    await cp(await realpath(from), join(draft.path, name), { recursive: true })
  await importFolder(engine, "docker:cli", draft.path)
}

/** Podman's own filter of system calls. */
export async function podmanFilter(): Promise<string> {
  return join(await packagesFolder(), "usr/share/containers/seccomp.json")
}

async function packagesFolder(): Promise<string> {
  const packages = await imagePackages()
  if ("why" in packages) throw new Error(`no image to test with: ${packages.why}`)
  return packages.folder
}

async function importFolder(engine: DockerEngine, name: string, folder: string): Promise<void> {
  const words = 'tar c -C "$1" . | docker import -c "$2" -- - "$3"'
  await engine.must(["sh", "-c", words, "sh", folder, path, name])
}

export type Checkout = TemporaryFolder & { readonly tracked: readonly string[] }

/** The files that the repository holds, and beside them what a checkout collects: `planted`. */
export async function checkOut(planted: readonly string[]): Promise<Checkout> {
  const folder = await temporaryFolder()
  const listed = Bun.spawnSync(["git", "-C", root, "ls-files", "-z"])
  const tracked = listed.stdout.toString().split("\0").filter(Boolean)
  if (tracked.length === 0) throw new Error(`git ls-files: ${listed.stderr}`)
  for (const name of tracked)
    await cp(join(root, name), join(folder.path, name), { recursive: true, verbatimSymlinks: true })
  for (const name of planted) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true })
    await writeFile(join(folder.path, name), "planted")
  }
  return { ...folder, tracked }
}

/** What is fenced as `kind` in a page of the manual, in order. */
export async function fenced(page: string, kind: string): Promise<readonly string[]> {
  const text = await readFile(join(root, "src/manual", page), "utf8")
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, is, body = ""]) =>
    is === kind ? [body] : [],
  )
}
