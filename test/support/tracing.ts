import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { binary } from "./mycelium.ts"

/**
 * How the system calls of the binary are watched. It hides its memory (src/base/system/harden.ts);
 * only root looks into it all the same. For another user it is started behind `visible.ts`. Which
 * of the two it takes is tried out once, on the binary itself.
 */

type Tracing = { readonly before: readonly string[]; readonly missing?: string }

const { before, missing } = find()

/** Why no call can be watched here; undefined where it can. */
export const cannotTrace: string | undefined = missing
/** For the name of what is skipped then. */
export const skippedUntraced: string = missing === undefined ? "" : ` (skipped: ${missing})`

/** What to run the binary under: all its threads and children are traced. */
export function strace(...options: readonly string[]): readonly string[] {
  return [...before, "strace", "-f", "-qq", ...options]
}

function find(): Tracing {
  if (Bun.which("strace") === null) return { before: [], missing: "strace is not installed" }
  // Each test says so by itself.
  if (!existsSync(binary)) return { before: [] }
  // Neither a .env nor a bunfig.toml of the folder that it runs in.
  const visible = [
    process.execPath,
    "--no-env-file",
    "--config=/dev/null",
    fileURLToPath(new URL("visible.ts", import.meta.url)),
  ]
  const way = [[], visible].find(seesPaths)
  return way === undefined
    ? { before: [], missing: "strace cannot look into the binary here" }
    : { before: way }
}

/**
 * Whether a log of the binary, started so, names the identity's file: it is opened after the memory
 * was hidden.
 */
function seesPaths(under: readonly string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), `mycelium-${process.pid}-`))
  try {
    const [config, log, identity] = [
      join(folder, "mycelium.yaml"),
      join(folder, "strace.log"),
      join(folder, ".config/mycelium/identity.txt"),
    ]
    mkdirSync(dirname(identity), { recursive: true, mode: 0o700 })
    writeFileSync(identity, "# no key\n", { mode: 0o600 })
    writeFileSync(
      config,
      JSON.stringify({
        project: "shop",
        rotate_every: "90d",
        environments: { production: { secrets: { key: { driver: "generated" } } } },
      }),
      { mode: 0o600 },
    )
    Bun.spawnSync(
      [
        ...under,
        "strace",
        "-f",
        "-qq",
        "-o",
        log,
        "-e",
        "trace=openat",
        binary,
        "render",
        "production",
      ],
      {
        cwd: folder,
        env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: folder },
        stdio: ["ignore", "ignore", "ignore"],
      },
    )
    return existsSync(log) && readFileSync(log, "latin1").includes(`"${identity}"`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
