import { describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { systemd } from "../../../src/plugins/restarters/systemd/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { hasSystemdUser, startSystemdUser } from "../../support/servers/systemd-user.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

/** A `systemctl` that writes down how it was called, and answers `is-active` as told. */
async function fakeSystemctl(
  folder: string,
  how: { readonly code?: number; readonly state?: string } = {},
): Promise<string> {
  const path = join(folder, "systemctl")
  const active =
    `case "$*" in *is-active*) echo "${how.state ?? "active"}"; [ "${how.state ?? "active"}" = ` +
    "active ]; exit;; esac"
  await writeFile(
    path,
    `#!/bin/sh\necho "$*" >> calls\nenv > environment\n${active}\necho s3cret >&2\nexit ${how.code ?? 0}\n`,
    { mode: 0o755 },
  )
  return path
}

function open(options: unknown, folder: string, env: Readonly<Record<string, string>> = {}) {
  return systemd.open(systemd.options.parse(options), hookReach(folder, env))
}

async function callsOf(options: object, checked = true): Promise<readonly string[]> {
  await using folder = await temporaryFolder()
  await open({ ...options, command: [await fakeSystemctl(folder.path)] }, folder.path).restart(
    "m",
    neverStops(),
    { checked },
  )
  return (await Bun.file(join(folder.path, "calls")).text()).trimEnd().split("\n")
}

test("systemd restarts a service, prompts for no password, and asks whether it is active", async () => {
  expect(await callsOf({ unit: "shop-worker.service" })).toEqual([
    "--no-ask-password restart -- shop-worker.service",
    "is-active -- shop-worker.service",
  ])
  expect(await callsOf({ unit: "shop@1.service", user: true, reload: true })).toEqual([
    "--user --no-ask-password reload -- shop@1.service",
    "--user is-active -- shop@1.service",
  ])
  expect(open("shop-worker.service", "/srv").label).toBe("systemd shop-worker.service, restarted")
  expect(open({ unit: "shop-worker.service", reload: true }, "/srv").label).toBe(
    "systemd shop-worker.service, reloaded",
  )
})

test("systemd, without a health check, asks again for a while", async () => {
  const unchecked = await callsOf({ unit: "shop-worker.service" }, false)
  expect(new Set(unchecked)).toEqual(
    new Set([
      "--no-ask-password restart -- shop-worker.service",
      "is-active -- shop-worker.service",
      "show --property=InvocationID -- shop-worker.service",
    ]),
  )
})

test("systemd hands on only what finds a user's manager, and that only for a user", async () => {
  const ours = {
    HOME: "/home/x",
    XDG_RUNTIME_DIR: "/run/user/1",
    DBUS_SESSION_BUS_ADDRESS: "unix:x",
    NOTIFY_SOCKET: "/run/x",
    PGPASSWORD: "s3cret",
  }
  const names = async (user: boolean): Promise<readonly string[]> => {
    await using folder = await temporaryFolder()
    await open(
      { unit: "a.service", user, command: [await fakeSystemctl(folder.path)] },
      folder.path,
      ours,
    ).restart("set/api", neverStops(), { checked: true })
    const lines = (await Bun.file(join(folder.path, "environment")).text()).trimEnd().split("\n")
    return lines
      .map((line) => line.slice(0, line.indexOf("=")))
      .filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name))
      .toSorted()
  }
  expect(await names(false)).toEqual(["HOME", "MYCELIUM_RUN", "PATH"])
  expect(await names(true)).toEqual([
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "MYCELIUM_RUN",
    "PATH",
    "XDG_RUNTIME_DIR",
  ])
})

test("systemd reports a restart that failed, and a service that is not active after it, without what was printed", async () => {
  await using folder = await temporaryFolder()
  const failing = await fakeSystemctl(folder.path, { code: 5 })
  const error = await errorOf(
    open({ unit: "a.service", command: [failing] }, folder.path).restart("m", neverStops()),
  )
  expect([error.code, error.message]).toEqual([
    "restart-failed",
    "systemd a.service ended with code 5",
  ])
  for (const [state, message] of [
    ["failed", "failed"],
    ["activating", "activating"],
    ["s3cret", "not active"],
  ] as const) {
    const command = [await fakeSystemctl(folder.path, { state })]
    const dead = await errorOf(
      open({ unit: "a.service", command }, folder.path).restart("m", neverStops()),
    )
    expect([dead.code, dead.message]).toEqual([
      "restart-failed",
      `systemd a.service is ${message} after the restart`,
    ])
    expect(Bun.inspect(dead)).not.toContain("s3cret")
  }
})

test("systemd refuses what is no name of one service, so that none is taken for an option or a pattern", () => {
  const bad = [
    "--now",
    "-x.service",
    "",
    "shop-worker",
    "a b.service",
    "*.service",
    "a?.service",
    "[a].service",
    "a/b.service",
    "../a.service",
    "a@.service",
    "a.target",
    "reboot.target",
    "a.service\n",
    `${"a".repeat(255)}.service`,
    { unit: "--now" },
    {},
    { unit: "a.service", user: "root" },
    { unit: "a.service", extra: 1 },
    ["a.service"],
    null,
  ]
  for (const options of bad)
    expect([options, systemd.options.safeParse(options).success]).toEqual([options, false])
  for (const options of [
    "a.service",
    "shop-worker@blue:1.service",
    "dev\\x2dfoo.service",
    { unit: "a.service", user: false, reload: false },
  ])
    expect(systemd.options.safeParse(options).success).toBe(true)
  expect(systemd.options.safeParse(7).error?.issues[0]?.message).toBe(
    "expected the name of a service, shop-worker.service, or { unit, user, reload }",
  )
})

/**
 * As systemd's own program answers where a rule is missing, in one line of several; beside it what
 * is never repeated.
 */
async function refusing(folder: string, message: string): Promise<string> {
  const path = join(folder, "systemctl")
  const shows = "LoadState=loaded\\nActiveState=active\\nInvocationID=aaa\\n"
  const lines = [
    "#!/bin/sh",
    'echo "$*" >> calls',
    `case "$*" in *show*) printf "${shows}"; exit 0;; *is-active*) echo active; exit 0;; esac`,
    `echo "Failed to restart a.service: ${message}" >&2`,
    "echo s3cret >&2",
    "exit 1",
  ]
  await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o755 })
  return path
}

test("systemd says why it was refused, in words of its own", async () => {
  for (const [message, expected] of [
    ["Interactive authentication required.", "this user has no right to do that"],
    ["Access denied", "this user has no right to do that"],
    ["Unit a.service not found.", "systemd has no unit a.service"],
    ["Unit polkit.service is masked.", "the unit polkit.service is masked"],
  ] as const) {
    await using folder = await temporaryFolder()
    const command = [await refusing(folder.path, message)]
    const error = await errorOf(
      open({ unit: "a.service", command }, folder.path).restart("m", neverStops()),
    )
    expect([error.code, error.message]).toEqual([
      "restart-failed",
      `systemd a.service ended with code 1: ${expected}`,
    ])
    expect(Bun.inspect(error)).not.toContain("s3cret")
  }
})

test("systemd: the way back of a restart that was refused restarts nothing, if the files are what they were", async () => {
  await using folder = await temporaryFolder()
  const target = join(folder.path, ".env")
  await writeFile(target, "KEY=old\n")
  const command = [await refusing(folder.path, "Interactive authentication required.")]
  const restarter = open({ unit: "a.service", command }, folder.path)
  await restarter.inspect?.([target], neverStops())
  await writeFile(target, "KEY=new\n")
  expect((await errorOf(restarter.restart("m", neverStops(), { checked: true }))).code).toBe(
    "restart-failed",
  )
  // Not yet back: nothing says that the program need not be restarted.
  expect((await errorOf(restarter.restart("m", neverStops(), { checked: true }))).code).toBe(
    "restart-failed",
  )
  await writeFile(target, "KEY=old\n")
  await restarter.restart("m", neverStops(), { checked: true })
  const calls = (await Bun.file(join(folder.path, "calls")).text()).split("\n")
  expect(calls.filter((line) => line.includes(" restart "))).toHaveLength(2)
})

// Namespaces and control groups are root's to make, and not every machine has systemd.
describe.skipIf(!hasSystemdUser)("systemd, with a real one", () => {
  test("restarts a service so that it reads its file again, reloads it, and knows when it did not come up", async () => {
    await using manager = await startSystemdUser()
    const { folder } = manager
    const file = join(folder, "env")
    await writeFile(file, "KEY=old\n")
    await manager.unit(
      "worker.service",
      "[Service]\n" +
        `EnvironmentFile=${file}\n` +
        `ExecStart=/bin/sh -c 'echo "$KEY" > ${folder}/shown; exec sleep 600'\n` +
        `ExecReload=/bin/sh -c 'echo reloaded > ${folder}/shown'\n`,
    )
    const restarter = (options: object = {}) =>
      open({ unit: "worker.service", user: true, ...options }, folder, manager.environment)
    const shown = () => Bun.file(join(folder, "shown")).text()
    const pid = () => manager.systemctl("show", "-p", "MainPID", "--value", "worker.service")
    await restarter().restart("m", neverStops(), { checked: true })
    const first = await pid()
    await writeFile(file, "KEY=new\n")
    await restarter().restart("m", neverStops(), { checked: true })
    expect(await pid()).not.toBe(first)
    expect(await shown()).toBe("new\n")
    const second = await pid()
    await restarter({ reload: true }).restart("m", neverStops(), { checked: true })
    expect([await shown(), await pid()]).toEqual(["reloaded\n", second])

    await manager.unit("short.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    expect(
      (
        await errorOf(
          open({ unit: "short.service", user: true }, folder, manager.environment).restart(
            "m",
            neverStops(),
          ),
        )
      ).message,
    ).toBe("systemd short.service is inactive after the restart")
    await manager.unit("broken.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    expect(
      (
        await errorOf(
          open({ unit: "broken.service", user: true }, folder, manager.environment).restart(
            "m",
            neverStops(),
          ),
        )
      ).message,
    ).toBe("systemd broken.service ended with code 1")
    expect(
      (
        await errorOf(
          open({ unit: "absent.service", user: true }, folder, manager.environment).restart(
            "m",
            neverStops(),
          ),
        )
      ).message,
    ).toBe("systemd absent.service ended with code 5: systemd has no unit absent.service")
    const inspected = async (unit: string) =>
      open({ unit, user: true }, folder, manager.environment).inspect?.([file], neverStops())
    expect((await inspected("worker.service"))?.findings).toEqual([])
    const absent = await errorOf(inspected("absent.service"))
    expect([absent.code, absent.message]).toEqual([
      "unit-missing",
      "systemd has no unit absent.service",
    ])
  }, 60_000)

  test("without a health check, watches the service for a while: one that ends is no success, also if systemd starts it again", async () => {
    await using manager = await startSystemdUser()
    const { folder, environment } = manager
    const restart = (unit: string, checked = false) =>
      open({ unit, user: true }, folder, environment).restart("m", neverStops(), { checked })
    await manager.unit("steady.service", "[Service]\nExecStart=/bin/sleep 600\n")
    await restart("steady.service")
    const ends = "ExecStart=/bin/sh -c 'sleep 0.5; exit 3'\n"
    await manager.unit("ends.service", `[Service]\n${ends}`)
    expect((await errorOf(restart("ends.service"))).message).toBe(
      "systemd ends.service is failed after the restart",
    )
    await manager.unit(
      "again.service",
      `[Service]\nRestart=always\nRestartSec=10ms\nStartLimitIntervalSec=0\n${ends}`,
    )
    expect((await errorOf(restart("again.service"))).message).toMatch(
      /^systemd again.service (ended after the restart, and was started again|is (activating|failed) after the restart)$/,
    )
    // What asks for its health afterwards knows better.
    await restart("again.service", true)
  }, 60_000)
})
