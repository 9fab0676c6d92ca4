import { chmod, copyFile, cp, mkdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { cached, openToAll } from "./cache.ts"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, type Missing, missing } from "./found.ts"
import { goProgram } from "./go.ts"
import { run } from "./run.ts"

/**
 * A Docker engine with Compose 2, for tests of the restarter: the distribution's engine, and
 * Compose built from its Go module.
 */
export type DockerPrograms = Extract<Found, { readonly found: true }> & {
  /** DOCKER_CONFIG: the folder whose cli-plugins hold Compose. */
  readonly config: string
  /** A statically linked busybox, the whole content of a test's image. */
  readonly busybox: string
}

const composeVersion = "v2.40.3"

let asked: Promise<DockerPrograms | Missing> | undefined

export function dockerPrograms(): Promise<DockerPrograms | Missing> {
  asked ??= find()
  return asked
}

async function find(): Promise<DockerPrograms | Missing> {
  const engine = await debianPackages("docker", [
    "docker.io",
    "containerd",
    "runc",
    "tini",
    "busybox-static",
  ])
  if ("why" in engine) return missing(engine.why)
  const compose = await cached(`docker-compose-${composeVersion}`, buildCompose)
  if ("why" in compose) return missing(compose.why)
  const bin = join(engine.folder, "usr/bin")
  const env = {
    LD_LIBRARY_PATH: libraryPath(engine.folder),
    PATH: `${bin}:${join(engine.folder, "usr/sbin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
  }
  const ran = await run([join(engine.folder, "usr/sbin/dockerd"), "--version"], { env })
  const version = ran.out.match(/version ([\w.+]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`dockerd does not run here: ${ran.err}`)
  const message = `Docker ${version} with Compose ${composeVersion} in ${bin}`
  const busybox = join(engine.folder, "bin/busybox")
  return {
    found: true,
    bin,
    env,
    version,
    root: engine.folder,
    message,
    config: compose.folder,
    busybox,
  }
}

const Module = z.object({ Dir: z.string() })

/**
 * `go install` refuses the module because of its replacements: it is built from a copy of its
 * source. Some minutes, once.
 */
async function buildCompose(draft: string): Promise<string | undefined> {
  const source = join(draft, "source")
  const work = join(draft, "work")
  await mkdir(work)
  const found = await goProgram()
  if ("why" in found) return `Compose is built with Go: ${found.why}`
  const { go } = found
  const begun = await run([go, "mod", "init", "fetch"], { cwd: work })
  if (!begun.ok) return `Compose is built with Go: ${begun.err}`
  const fetched = await run(
    [go, "mod", "download", "-json", `github.com/docker/compose/v2@${composeVersion}`],
    { cwd: work },
  )
  if (!fetched.ok) return `go mod download of Compose: ${fetched.err}`
  await cp(Module.parse(JSON.parse(fetched.out)).Dir, source, { recursive: true })
  await run(["chmod", "-R", "u+w", source])
  const flags = [
    "-trimpath",
    "-ldflags",
    `-s -w -X github.com/docker/compose/v2/internal.Version=${composeVersion}`,
  ]
  const built = await run([go, "build", ...flags, "-o", join(draft, "docker-compose"), "./cmd"], {
    cwd: source,
    env: { CGO_ENABLED: "0", GOFLAGS: "-mod=mod" },
  })
  if (!built.ok) return `go build of Compose: ${built.err}`
  await mkdir(join(draft, "cli-plugins"))
  await rename(join(draft, "docker-compose"), join(draft, "cli-plugins/docker-compose"))
  await chmod(join(draft, "cli-plugins/docker-compose"), 0o755)
  await rm(source, { recursive: true })
  await rm(work, { recursive: true })
  return openToAll(draft)
}

/** For a test's image: a root folder that holds busybox and its names. */
export async function layOutImage(
  busybox: string,
  folder: string,
  names: readonly string[],
): Promise<void> {
  await mkdir(join(folder, "bin"), { recursive: true })
  await mkdir(join(folder, "tmp"), { recursive: true })
  await copyFile(busybox, join(folder, "bin/busybox"))
  await chmod(join(folder, "bin/busybox"), 0o755)
  for (const name of names) await run(["ln", "-sf", "busybox", join(folder, "bin", name)])
}
