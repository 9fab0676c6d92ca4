import { chmodSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../temp-folder.ts"
import { until } from "../until.ts"

/**
 * A systemd of one's own, a user's: in a mount namespace with a private /run, in control groups of
 * its own, with no units but those of the test. Never a system's: on a shared root that empties
 * /tmp.
 */
export type SystemdUser = AsyncDisposable & {
  /** What `systemctl --user` needs to find it. */
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
  readonly unit: (name: string, text: string) => Promise<void>
  readonly systemctl: (...words: readonly string[]) => Promise<string>
}

const program = "/usr/lib/systemd/systemd"
const groups = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].filter(
  (path) => existsSync(join(path, "cgroup.procs")),
)
/** Namespaces and control groups are root's to make. */
export const hasSystemdUser =
  process.geteuid?.() === 0 &&
  existsSync(program) &&
  Bun.which("unshare") !== null &&
  groups.length > 0

export async function startSystemdUser(): Promise<SystemdUser> {
  const folder = await temporaryFolder()
  const [home, runtime, units] = ["home", "run", "units"].map((name) =>
    join(folder.path, name),
  ) as [string, string, string]
  for (const path of [home, runtime, units]) mkdirSync(path, { mode: 0o700 })
  writeFileSync(join(units, "test.target"), "[Unit]\nDefaultDependencies=no\n")
  const environment = { HOME: home, XDG_RUNTIME_DIR: runtime }
  const made = groups.map((path) => join(path, `mycelium-test-${process.pid}`))
  const script = join(folder.path, "start")
  writeFileSync(script, startScript(made))
  chmodSync(script, 0o700)
  const child = Bun.spawn(["unshare", "--mount", "--propagation", "private", script], {
    env: { ...environment, PATH: "/usr/bin:/bin", SYSTEMD_UNIT_PATH: units },
    stdio: ["ignore", "ignore", "ignore"],
  })
  const systemctl = async (...words: readonly string[]): Promise<string> => {
    const asked = Bun.spawn(["systemctl", "--user", "--no-pager", ...words], {
      env: { ...environment, PATH: "/usr/bin:/bin" },
      stdio: ["ignore", "pipe", "ignore"],
    })
    return (await asked.stdout.text()).trim()
  }
  const end = async (): Promise<void> => {
    await systemctl("stop", "*.service")
    // It knows no unit to exit by; nothing of it is left to lose.
    child.kill("SIGKILL")
    await child.exited
    for (const path of made) await removeGroups(path)
    await folder[Symbol.asyncDispose]()
  }
  try {
    // Outside of its namespace is-system-running says "offline".
    await until(
      "systemd is up",
      async () => (await systemctl("is-active", "test.target")) === "active",
      30_000,
    )
  } catch (error) {
    await end()
    throw error
  }
  return {
    environment,
    folder: folder.path,
    systemctl,
    unit: async (name, text) => {
      writeFileSync(
        join(units, name),
        text.replace("[Service]", "[Unit]\nDefaultDependencies=no\n[Service]"),
      )
      await systemctl("daemon-reload")
    },
    [Symbol.asyncDispose]: end,
  }
}

function startScript(made: readonly string[]): string {
  const enter = made.map((path) => `mkdir -p ${path} && echo $$ > ${path}/cgroup.procs`)
  return [
    "#!/bin/sh",
    "set -e",
    ...enter,
    "mount -t tmpfs -o mode=755 run /run",
    "mkdir -p /run/systemd/system",
    `exec ${program} --user --unit=test.target`,
    "",
  ].join("\n")
}

/** The innermost first. One that lingers until its last process is gone is given a moment. */
async function removeGroups(path: string): Promise<void> {
  const inner = [...new Bun.Glob("**/cgroup.procs").scanSync({ cwd: path })]
    .map((file) => join(path, file, ".."))
    .sort((one, other) => other.length - one.length)
  for (const group of inner) {
    await until(`${group} is empty`, () => {
      try {
        rmdirSync(group)
        return true
      } catch {
        return !existsSync(group)
      }
    })
  }
}
