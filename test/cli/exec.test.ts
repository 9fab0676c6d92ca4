import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type Project, type Ran, binary, layOut } from "../support/mycelium.ts"
import { until } from "../support/until.ts"

type Output = Readonly<Record<string, unknown>>
const env: Output = {
  dotenv: ".env",
  for: "compose",
  variables: {
    SESSION_KEY: "{{ session_key.password }}",
    URL: "https://u:{{ session_key.password | url_encode }}@h/é",
  },
}
const other: Output = {
  dotenv: "other.env",
  variables: { SESSION_KEY: "other {{ token.password }}", TOKEN: "{{ token.password }}" },
  for: "compose",
}

async function shop(
  outputs: readonly Output[] = [env],
  secrets: readonly string[] = ["session_key"],
): Promise<Project> {
  const project = await layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: Object.fromEntries(secrets.map((name) => [name, "generated"])),
          outputs,
        },
      },
    },
  )
  await project.mycelium(["init"])
  await project.mycelium(["rotate-now", "production", "--new"])
  return project
}
const exec = (project: Project, ...command: readonly string[]): Promise<Ran> =>
  project.mycelium(["exec", "production", "--", ...command], {
    env: { MINE: "kept", SESSION_KEY: "the caller's" },
  })

/** The events of the audit log, without what every line has. */
function events(project: Project): readonly Readonly<Record<string, unknown>>[] {
  return readFileSync(project.auditPath(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe("mycelium exec", () => {
  test("runs a program with the variables over the caller's own, arguments untouched", async () => {
    await using project = await shop()
    const key = project.variable("SESSION_KEY")
    const { stdout, stderr, code } = await exec(
      project,
      "sh",
      "-c",
      'printf "%s|" "$SESSION_KEY" "$URL" "$MINE" "$0" "$@"',
      "--help",
      "--config",
      "x y",
      "--",
      "--json",
    )
    expect(stdout).toBe(`${key}|https://u:${key}@h/é|kept|--help|--config|x y|--|--json|`)
    expect(stderr).toBe("")
    expect(code).toBe(0)
  })

  test("adds nothing else to the environment, and gives back the caller's umask and signals", async () => {
    await using project = await shop()
    const { stdout } = await exec(
      project,
      "/bin/sh",
      "-c",
      "umask; grep SigIgn /proc/self/status; env | cut -d= -f1 | sort | tr '\\n' ' '",
    )
    const [umask, ignored, names] = stdout.split("\n")
    expect(umask).toBe(`0${process.umask().toString(8).padStart(3, "0")}`)
    expect(ignored).toBe("SigIgn:\t0000000000000000")
    expect(
      names
        ?.trim()
        .split(" ")
        .filter((name) => !["PWD", "SHLVL", "_"].includes(name)),
    ).toEqual([...Object.keys(project.environment), "MINE", "SESSION_KEY", "URL"].toSorted())
  })

  test("is the program: its exit code, its streams, its signals, its process id", async () => {
    await using project = await shop()
    expect((await exec(project, "sh", "-c", "echo data; echo talk >&2; exit 42")).code).toBe(42)
    const child = Bun.spawn(
      [
        binary,
        "exec",
        "production",
        "--",
        "sh",
        "-c",
        `trap 'echo "told $(cat)"; exit 9' TERM; echo $$ > pid; while :; do sleep 0.05; done`,
      ],
      {
        cwd: project.folder,
        env: project.environment,
        stdin: Buffer.from("of stdin"),
        stdout: "pipe",
        stderr: "inherit",
      },
    )
    await until("the program runs", () => project.has("pid") && project.read("pid") !== "")
    expect(Number(project.read("pid"))).toBe(child.pid)
    child.kill("SIGTERM")
    expect(await child.stdout.text()).toBe("told of stdin\n")
    expect(await child.exited).toBe(9)
    expect((await exec(project, "sh", "-c", "kill -KILL $$")).signal).toBe("SIGKILL")
  })

  test("writes the reading down, with the program's name and no argument", async () => {
    await using project = await shop()
    await exec(project, "/bin/sh", "-c", "true", "an-argument")
    expect(events(project).at(-1)).toMatchObject({
      event: "exec",
      program: "sh",
      secrets: ["session_key"],
    })
    expect(readFileSync(project.auditPath(), "utf8")).not.toContain("an-argument")
    expect((await project.mycelium(["audit", "verify"])).code).toBe(0)
  })

  test("leaves the files as they are, also where one differs", async () => {
    await using project = await shop()
    const key = project.variable("SESSION_KEY")
    project.write(".env", "SESSION_KEY=drifted\n")
    expect((await exec(project, "sh", "-c", "echo $SESSION_KEY")).stdout).toBe(`${key}\n`)
    expect(project.read(".env")).toBe("SESSION_KEY=drifted\n")
  })

  test("takes one of two files that contradict each other, and says so", async () => {
    await using project = await shop([env, other], ["session_key", "token"])
    const both = await exec(project, "true")
    expect(both.stderr).toContain("show different values of SESSION_KEY")
    expect(both.stderr).toContain("--from FILE")
    expect(both.code).toBe(1)
    const one = await project.mycelium([
      "exec",
      "production",
      "--from",
      "other.env",
      "--",
      "sh",
      "-c",
      "echo $SESSION_KEY",
    ])
    expect(one.stdout).toBe(`other ${project.variable("TOKEN", "other.env")}\n`)
    const none = await project.mycelium(["exec", "production", "--from", "none.env", "--", "true"])
    expect(none.stderr).toContain(
      `--from takes one of: ${project.path(".env")}, ${project.path("other.env")}`,
    )
    expect(none.code).toBe(2)
  })

  test("refuses a secret without a value, an environment without one, and words that it cannot take", async () => {
    await using project = await layOut(
      {},
      {
        project: "shop",
        environments: {
          production: {
            rotate_every: "90d",
            secrets: { session_key: "generated" },
            outputs: [env],
          },
        },
      },
    )
    await project.mycelium(["init"])
    const fresh = await exec(project, "true")
    expect(fresh.stderr).toContain("production/session_key has no value that mycelium knows")
    expect(fresh.code).toBe(1)
    for (const args of [
      [],
      ["production"],
      ["production", "true"],
      ["production", "--"],
      ["--", "true"],
      ["staging", "--", "true"],
      ["production", "--nonsense", "--", "true"],
    ]) {
      expect([args, (await project.mycelium(["exec", ...args])).code]).toEqual([args, 2])
    }
  })

  test("says as a shell does that a program is missing (127) or cannot be run (126)", async () => {
    await using project = await shop()
    project.write("plain", "no program")
    const codes = await Promise.all(
      [
        exec(project, "no-such-program"),
        exec(project, "./no-such-program"),
        exec(project, "./plain"),
        exec(project, "."),
      ].map(async (ran) => (await ran).code),
    )
    expect(codes).toEqual([127, 127, 126, 127])
  })

  test("ends a journal that a crash left first, and waits for a rotation only so long", async () => {
    await using project = await shop()
    project.script("restart", "touch began", "while [ ! -e go ]; do sleep 0.05; done")
    const config = {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { session_key: "generated" },
          outputs: [env],
          deployments: { api: { command: ["./restart"] } },
        },
      },
    }
    project.configure(config)
    const old = project.variable("SESSION_KEY")
    const rotating = Bun.spawn([binary, "rotate-now", "production"], {
      cwd: project.folder,
      env: project.environment,
      stdio: ["ignore", "ignore", "ignore"],
    })
    await until("the restart hook runs", () => project.has("began"))
    const locked = await exec(project, "true")
    expect(locked.stderr).toContain("production is being worked on by mycelium rotate-now")
    expect(locked.code).toBe(6)
    rotating.kill("SIGKILL")
    await rotating.exited
    project.write("go", "")
    const { stdout, code } = await exec(project, "sh", "-c", "echo $SESSION_KEY")
    expect(code).toBe(0)
    expect(stdout.trim()).toBe(project.variable("SESSION_KEY"))
    expect(stdout.trim()).not.toBe(old)
  }, 60_000)
})
