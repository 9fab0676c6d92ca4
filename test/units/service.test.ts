import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { hasNoNewCode, listenForDatagrams, noNewCode } from "../support/datagrams.ts"
import { binary, layOut, type Project } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

const folder = new URL("../../config/", import.meta.url).pathname
const unit = readFileSync(join(folder, "mycelium.service"), "utf8")

/** The values of a setting, in order; comments do not count. */
function settings(name: string): readonly string[] {
  return unit
    .split("\n")
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1))
}

/** Of a group of system calls, as systemd here knows it. */
function callsIn(group: string): readonly string[] {
  const lines = Bun.spawnSync(["systemd-analyze", "--no-pager", "syscall-filter", group])
    .stdout.toString()
    .split("\n")
    .map((line) => line.trim())
  return lines.flatMap((line) => {
    if (line.startsWith("@") && line !== group) return callsIn(line)
    return /^[a-z]/.test(line) ? [line] : []
  })
}

const config = {
  project: "shop",
  environments: {
    production: {
      rotate_every: "90d",
      secrets: { session_key: "generated" },
      outputs: [{ dotenv: ".env", variables: { SESSION_KEY: "{{ session_key.password }}" } }],
    },
  },
}

async function served(): Promise<Project> {
  const project = await layOut({}, config)
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  return project
}

/** The service with its output, until the test ends. */
function start(
  project: Project,
  env: Readonly<Record<string, string>>,
  under: readonly string[] = [],
) {
  const child = Bun.spawn([...under, binary, "run"], {
    cwd: project.folder,
    env: { ...project.environment, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  })
  return {
    child,
    stderr: child.stderr.text(),
    [Symbol.asyncDispose]: async () => void (child.kill("SIGKILL"), await child.exited),
  }
}

describe("mycelium run tells the service manager", () => {
  // Where code may be made libc is called, elsewhere systemd-notify runs.
  const ways = [
    { message: "with its compiler", under: [], skip: false },
    {
      message: "where no code may be made",
      under: noNewCode,
      skip: !hasNoNewCode || Bun.which("systemd-notify") === null,
    },
  ]
  for (const { message, under, skip } of ways) {
    test.skipIf(skip)(
      `that it is ready, what comes next, reloads, and stops, ${message}`,
      async () => {
        await using project = await served()
        await using manager = await listenForDatagrams(project.root)
        await using service = start(project, { NOTIFY_SOCKET: manager.socket }, under)
        await manager.heard("what comes next", (text) =>
          text.startsWith("STATUS=next: production, "),
        )
        expect(manager.all()[0]).toBe("READY=1")
        service.child.kill("SIGHUP")
        await manager.heard("the reload", (text) => text.startsWith("RELOADING=1\nMONOTONIC_USEC="))
        const readies = () => manager.all().filter((text) => text === "READY=1").length
        await until("it is ready again", () => readies() === 2)
        project.configure("nonsense: [")
        service.child.kill("SIGHUP")
        await until("it is ready again, with the config that it had", () => readies() === 3)
        service.child.kill("SIGTERM")
        expect(await service.child.exited).toBe(0)
        expect(await service.stderr).toContain("not reloaded, the old config stays")
        await manager.heard("the stop", (text) => text.startsWith("STOPPING=1"))
        expect(manager.all().some((text) => text.includes("WATCHDOG"))).toBe(false)
      },
    )
  }

  test("that its loop goes round, as often as the watchdog wants, and no longer when it stands still", async () => {
    await using project = await served()
    await using manager = await listenForDatagrams(project.root)
    await using service = start(project, { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: "400000" })
    const beats = () => manager.all().filter((text) => text.includes("WATCHDOG=1")).length
    await until("it was heard five times", () => beats() >= 5)
    service.child.kill("SIGSTOP")
    await Bun.sleep(300)
    const before = beats()
    // Three times as long as a watchdog of 0.4 s would wait: nothing else sends for a loop that stands.
    await Bun.sleep(1200)
    expect(beats()).toBe(before)
  })

  test("nothing where there is none", async () => {
    await using project = await served()
    await using service = start(project, { WATCHDOG_USEC: "400000" })
    await Bun.sleep(300)
    service.child.kill("SIGTERM")
    expect(await service.child.exited).toBe(0)
  })
})

test.skipIf(!hasNoNewCode)("mycelium does all its work where no code may be made", async () => {
  await using project = await layOut({}, config)
  for (const args of [
    ["init"],
    ["rotate-now", "production", "--new"],
    ["rotate-now", "production"],
    ["status"],
    ["plan"],
    ["check", "--quick"],
    ["audit", "verify"],
    ["render"],
    ["run", "--once"],
  ]) {
    const { code, stderr } = await project.mycelium(args, { under: noNewCode })
    expect([args, code, code === 0 ? "" : stderr]).toEqual([args, 0, ""])
  }
})

describe("config/mycelium.service", () => {
  test.skipIf(Bun.which("systemd-analyze") === null)(
    "lets the runtime have the calls without which it aborts before our first line",
    () => {
      const [allowed, denied, ...more] = settings("SystemCallFilter")
      expect([allowed, denied, more]).toEqual([
        "@system-service",
        "~@privileged @resources",
        ["prlimit64"],
      ])
      const calls = new Set([...callsIn("@system-service"), ...callsIn("@default")])
      for (const group of ["@privileged", "@resources"])
        for (const call of callsIn(group)) calls.delete(call)
      const needed = ["clone3", "epoll_create1", "eventfd2", "getrandom"]
      expect(needed.filter((call) => !calls.has(call))).toEqual([])
    },
  )

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "is a unit that systemd takes, with little exposed",
    async () => {
      await using project = await layOut({
        "mycelium.service": unit.replaceAll(/^(Exec\w+=)\S+/gm, "$1/bin/true"),
      })
      const verify = Bun.spawnSync(["systemd-analyze", "verify", project.path("mycelium.service")])
      expect([verify.exitCode, verify.stderr.toString()]).toEqual([0, ""])
      const security = Bun.spawnSync([
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--no-pager",
        "--threshold=15",
        project.path("mycelium.service"),
      ])
      expect([security.exitCode, security.stderr.toString()]).toEqual([0, ""])
    },
  )

  test("lets a rotation finish, hears the loop in time, and does not try again what only a person can mend", () => {
    expect(settings("KillMode")).toEqual(["mixed"])
    // It ends by itself 80 s after it was asked; the loop goes round once a minute.
    expect([settings("TimeoutStopSec"), settings("WatchdogSec")]).toEqual([["100s"], ["3min"]])
    expect(settings("RestartPreventExitStatus")).toEqual(["2 3 4 7"])
  })

  test("keeps the identity with root and the state with its user", () => {
    expect([
      settings("LoadCredential"),
      settings("StateDirectory"),
      settings("StateDirectoryMode"),
      settings("UMask"),
    ]).toEqual([["identity:/etc/mycelium/identity.txt"], ["mycelium"], ["0700"], ["0077"]])
    expect([
      settings("MemoryDenyWriteExecute"),
      settings("NoNewPrivileges"),
      settings("ProtectSystem"),
      settings("LimitCORE"),
      settings("CapabilityBoundingSet"),
    ]).toEqual([["yes"], ["yes"], ["strict"], ["0"], [""]])
  })
})

test("config/compose.yaml holds a config that loads, and gives the container no more than it needs", async () => {
  const text = readFileSync(join(folder, "compose.yaml"), "utf8")
  const [, example = ""] = /^(#   project: shop\n(?:#   .*\n)+)/m.exec(text) ?? []
  await using project = await layOut({}, example.replaceAll(/^#   /gm, ""))
  const { code, stderr } = await project.mycelium(["plan"])
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""])
  const { parse } = await import("yaml")
  const { mycelium } = parse(text).services
  expect(mycelium).toMatchObject({
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    user: "10001:10001",
  })
  expect(JSON.stringify(mycelium.volumes)).not.toContain("docker.sock")
})

test("the image's build takes along all that the repository holds, and nothing else, where every builder looks for it", () => {
  const root = join(folder, "..")
  const [first, ...taken] = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
  const listed = Bun.spawnSync(["git", "-C", root, "ls-files", "-z"]).stdout.toString()
  const places = listed
    .split("\0")
    .filter(Boolean)
    .map((name) => (name.startsWith("config/") ? name : name.replace(/\/.*/, "")))
  expect(first).toBe("*")
  expect(taken.toSorted()).toEqual(
    [...new Set([...places, ".git"])].map((name) => `!${name}`).toSorted(),
  )
})
