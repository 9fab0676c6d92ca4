import { mkdir, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { cached, openToAll } from "./cache.ts"
import { run } from "./run.ts"

const libraries = /^lib[a-z0-9.+-]+$/

/**
 * Unpacks packages of Debian, and the libraries that this machine lacks for them, into the cache.
 * Nothing is installed: an installed server package would start a service. `alone` come without
 * libraries: modules that the others load. `along`: which of the packages that they need come too.
 */
export async function debianPackages(
  name: string,
  packages: readonly string[],
  alone: readonly string[] = [],
  along = libraries,
): Promise<{ readonly folder: string } | { readonly why: string }> {
  if (Bun.which("apt-get") === null || Bun.which("dpkg") === null)
    return { why: "this is no Debian: apt-get or dpkg is missing" }
  return cached(name, async (draft) => {
    const first = await download(draft, packages, alone, along)
    if (first === undefined) return undefined
    // The index may be missing, or older than what the mirror still holds.
    const updated = await updateIndex()
    return updated === undefined ? download(draft, packages, alone, along) : `${first} (${updated})`
  })
}

let update: Promise<string | undefined> | undefined

/**
 * The index of packages, fetched once; only root can, an ordinary user has what is there. Answers
 * why it was not.
 */
export function updateIndex(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return Promise.resolve("only root can fetch the index of packages")
  update ??= run(["apt-get", "update", "-qq"]).then((ran) =>
    ran.ok ? undefined : `apt-get update: ${ran.err}`,
  )
  return update
}

/** Where the libraries of unpacked packages lie: LD_LIBRARY_PATH. */
export function libraryPath(folder: string): string {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
  return [join(folder, "usr/lib", triplet), join(folder, "lib", triplet)].join(":")
}

async function download(
  draft: string,
  packages: readonly string[],
  alone: readonly string[],
  along: RegExp,
): Promise<string | undefined> {
  const folder = join(draft, "packages")
  await mkdir(folder, { recursive: true })
  const wanted = [...packages, ...alone, ...(await lacking(packages, along))]
  const ran = await run(["apt-get", "download", "-qq", ...wanted], { cwd: folder })
  if (!ran.ok) return `apt-get download: ${ran.err}`
  for (const file of await readdir(folder)) {
    const unpacked = await run(["dpkg", "-x", join(folder, file), draft])
    if (!unpacked.ok) return `dpkg -x ${file}: ${unpacked.err}`
  }
  await rm(folder, { recursive: true })
  return openToAll(draft)
}

/**
 * Never the C library: a program loads the one it finds first, and that must be the system's. LLVM
 * is for a JIT that tests do without.
 */
const never = /^(libc6|libgcc-s1|libc-bin|libllvm\d+)$/

async function lacking(packages: readonly string[], along: RegExp): Promise<readonly string[]> {
  const only = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(
    (kind) => `--no-${kind}`,
  )
  const [depends, installed] = await Promise.all([
    run(["apt-cache", "depends", "--recurse", ...only, ...packages]),
    run(["dpkg-query", "-W", "-f", "${Package}\n"]),
  ])
  const here = new Set(installed.out.split("\n"))
  const names = depends.out.split("\n").filter((line) => along.test(line))
  return [...new Set(names)].filter(
    (name) => !here.has(name) && !never.test(name) && !packages.includes(name),
  )
}
