import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { api } from "../support/compose-app.ts"
import {
  type Checkout,
  checkOut,
  fenced,
  imageIsMissing,
  makeBaseImages,
  makeCliImage,
  podmanFilter,
} from "../support/image.ts"
import { type TemporaryFolder, temporaryFolder } from "../support/temp-folder.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"
import { until } from "../support/until.ts"

/**
 * config/Dockerfile is built and config/compose.yaml is followed word for word, on a real engine.
 * What cannot be had here: the official base images (theirs are made from Debian's packages), npm
 * inside the build (what it would fetch lies there already), and networks (so each service has
 * none).
 */

const missing = (await dockerIsMissing()) ?? (await imageIsMissing())
const suite = missing === undefined ? describe : describe.skip

const planted = [
  ".tools/planted",
  "node_modules/planted",
  "dist/mycelium",
  ".env",
  "identity.txt",
  "shop/secrets/.env",
  "config/mycelium/identity.txt",
  "config/secrets/.env",
  "config/.env",
]

suite(`the image${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let engine: DockerEngine
  let checkout: Checkout
  beforeAll(async () => {
    engine = await startDocker()
    checkout = await checkOut(planted)
    await makeBaseImages(engine)
  }, 240_000)
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]()
    await checkout?.[Symbol.asyncDispose]()
  }, 120_000)

  const build = (...words: readonly string[]): Promise<string> =>
    engine.must(
      ["docker", "build", "--network=none", "-f", "config/Dockerfile", ...words, "."],
      checkout.path,
    )

  test("takes along what the repository holds, and nothing that a checkout collects", async () => {
    await build("-q", "--target=build", "-t", "stage")
    const list = 'docker export "$(docker create --network=none stage true)" | tar t build/'
    const files = (await engine.must(["sh", "-c", list]))
      .split("\n")
      .map((name) => name.replace(/^build\//, ""))
      .filter((name) => !/\/$|^$|^(\.tools|node_modules|dist)\//.test(name))
    expect(files.toSorted()).toEqual([...checkout.tracked].toSorted())
    const left = await engine.run([
      "docker",
      "run",
      "--rm",
      "--network=none",
      "stage",
      "ls",
      ".tools",
      "node_modules",
    ])
    expect([left.ok, left.out.includes("planted")]).toEqual([true, false])
  }, 240_000)

  describe("beside an app, as config/compose.yaml says", () => {
    const folder = (): string => join(checkout.path, "config")
    const inFolder = (name: string): string => join(folder(), name)
    const header = readFileSync(
      new URL("../../config/compose.yaml", import.meta.url),
      "utf8",
    ).split("\nservices:")[0]
    const comment = (header ?? "").split("\n").map((line) => line.replace(/^# ?/, ""))
    const config = comment.slice(comment.indexOf("  project: shop"))
    const words = comment
      .filter((line) => /^ {2}(mkdir|docker) /.test(line))
      .map((line) => line.trim())
    /**
     * As a person says it; the second file stands in for what this engine lacks, and lets health be
     * asked at once.
     */
    const say = (line: string): ReturnType<DockerEngine["run"]> =>
      engine.run(["sh", "-c", line], folder(), { COMPOSE_FILE: "compose.yaml:here.yaml" })
    const must = async (line: string): Promise<string> => {
      const { ok, out, err } = await say(line)
      if (!ok) throw new Error(`${line}: ${out}${err}`)
      return `${out}\n${err}`
    }
    const one = async (service: string) => {
      const found = (await engine.containers()).find(({ name }) => name === `shop-${service}-1`)
      if (found === undefined) throw new Error(`there is no container of ${service}`)
      return found
    }
    const value = (): string | undefined =>
      /^SESSION_KEY=(.+)$/m.exec(readFileSync(inFolder("secrets/.env"), "utf8"))?.[1]
    const running = async (): Promise<readonly string[]> =>
      (await engine.containers())
        .filter((each) => each.running && each.name.startsWith("shop-"))
        .map(({ name }) => name)
    const all = ["shop-api-1", "shop-mycelium-1", "shop-processes-1"]

    /** A rotation whose value the app reads again. */
    async function rotates(): Promise<void> {
      const before = value()
      const reads = async (): Promise<number> =>
        (await must("docker logs shop-api-1")).split("reads again").length
      const had = await reads()
      expect(
        await must("docker compose -p shop exec -T mycelium mycelium rotate-now production"),
      ).toContain("production/session_key: rotated")
      expect(value()).not.toBe(before)
      await until("the app reads it", async () => (await reads()) > had)
    }

    test("is made, starts as its user under the engine's filter of system calls, is healthy, and rotates", async () => {
      const none = { network_mode: "none" }
      const here = {
        services: {
          api: none,
          mycelium: { ...none, build: { network: "none" }, healthcheck: { interval: "1s" } },
        },
      }
      writeFileSync(inFolder("here.yaml"), JSON.stringify(here))
      for (const name of ["mycelium", "secrets"]) await engine.must(["rm", "-r", inFolder(name)])
      expect(words.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
        "mkdir secrets",
        "docker compose",
        "docker run",
        "docker compose",
        "docker compose",
      ])
      for (const line of words.slice(0, 3)) await must(line)
      writeFileSync(
        inFolder("mycelium/mycelium.yaml"),
        config.map((line) => line.slice(2)).join("\n"),
      )
      await must(words[3] ?? "")
      await until("the app waits for HUP", async () => (await say("test -e secrets/api.pid")).ok)
      expect(await must(words[4] ?? "")).toContain("production/session_key: rotated, v1 is current")
      await rotates()
      expect(await running()).toEqual(all)
      await until("it is healthy", async () => (await one("mycelium")).health === "healthy")
      const said = await say("docker exec shop-mycelium-1 sh -c 'id -u; cat /proc/self/status'")
      expect(said.out).toMatch(/^10001\n/)
      expect(said.out).toMatch(/^Seccomp:\t2$/m)
      expect(said.out).toMatch(/^CapEff:\t0+$/m)
      const checked = await must(
        "docker compose -p shop exec -T mycelium mycelium check --connect --strict",
      )
      expect(checked).toContain("nothing is wrong")
    }, 240_000)

    test("is unhealthy while its config does not load", async () => {
      const file = inFolder("mycelium/mycelium.yaml")
      const good = readFileSync(file, "utf8")
      writeFileSync(file, "nonsense: [")
      await until(
        "it is unhealthy",
        async () => (await one("mycelium")).health === "unhealthy",
        30_000,
      )
      writeFileSync(file, good)
      await until(
        "it is healthy again",
        async () => (await one("mycelium")).health === "healthy",
        30_000,
      )
    }, 90_000)

    test("each of the two is made anew alone, and the other runs on", async () => {
      for (const [made, stays] of [
        ["api", "mycelium"],
        ["mycelium", "api"],
      ] as const) {
        const [before, other] = [(await one(made)).id, (await one(stays)).id]
        await must(`docker compose -p shop up -d --force-recreate ${made}`)
        expect([(await one(made)).id === before, (await one(stays)).id]).toEqual([false, other])
        await rotates()
      }
    }, 60_000)

    test("all run again after a restart, or when a process was killed", async () => {
      await must("docker compose -p shop restart")
      expect(await running()).toEqual(all)
      for (const service of ["mycelium", "api", "processes"]) {
        const before = await one(service)
        await engine.killProcess(before)
        await until(
          `${service} and the others run again`,
          async () => {
            const [now, up] = [await one(service), await running()]
            return now.pid !== before.pid && up.join() === all.join()
          },
          30_000,
        )
      }
      await rotates()
    }, 120_000)

    test("what was stopped by hand stays so until docker compose up -d; without the list of processes, all three", async () => {
      await must("docker kill shop-processes-1")
      await until("all have ended", async () => (await running()).length === 0)
      await must("docker compose -p shop up -d")
      expect(await running()).toEqual(all)
      await until("the app waits for HUP", async () => (await say("docker logs shop-api-1")).ok)
      await rotates()
    }, 60_000)
  })

  describe("with the engine's socket, as src/manual/container.md says", () => {
    let app: TemporaryFolder
    let home: TemporaryFolder
    const group = 996
    beforeAll(async () => {
      app = await temporaryFolder()
      home = await temporaryFolder()
      await engine.must(["chgrp", String(group), engine.socket])
      await makeCliImage(engine)
      writeFileSync(join(app.path, "compose.yaml"), JSON.stringify({ services: { api } }))
      writeFileSync(join(app.path, ".env"), `KEY=Old-${randomBytes(12).toString("hex")}\n`)
      const variables = { KEY: "{{ key.password }}" }
      const production = {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", for: "compose", merge: true, variables }],
        deployments: { api: { compose: "api" } },
      }
      writeFileSync(
        join(app.path, "mycelium.yaml"),
        JSON.stringify({ project: "shop", environments: { production } }),
      )
      await engine.must(["docker", "compose", "-p", "live", "up", "-d"], app.path)
    }, 120_000)
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
      await home?.[Symbol.asyncDispose]()
    })

    /** The manual's words, where this engine and this app lie. */
    const here = (text: string): string =>
      text
        .replaceAll("/srv/shop", app.path)
        .replace("/var/run/docker.sock:", `${engine.socket}:`)
        .replace(
          "    restart: unless-stopped",
          "    restart: unless-stopped\n    network_mode: none",
        )
    /** As its compose file limits it, but for what is given in place of it. */
    const run = (folder: string, ...more: readonly string[]) => {
      const mounts = ["mycelium_state:/var/lib/mycelium", `${home.path}/identity:/etc/mycelium:ro`]
      const volumes = [...mounts, `${engine.socket}:/var/run/docker.sock`, `${app.path}:${folder}`]
      const limits = ["--rm", "--network=none", "--read-only", "--cap-drop=ALL", "-w", folder]
      const words = ["docker", "run", ...limits, ...volumes.flatMap((one) => ["-v", one]), ...more]
      return engine.run([...words, "mycelium-docker", "rotate-now", "production", "--dry-run"])
    }

    test("recreates the app's container, at the same path inside and outside, and in the socket's group", async () => {
      const [file = ""] = await fenced("container.md", "dockerfile")
      const [compose = ""] = await fenced("container.md", "yaml")
      const [shell = ""] = await fenced("container.md", "sh")
      expect(compose).toContain(`group_add: ["${group}"]`)
      writeFileSync(join(home.path, "Dockerfile"), file)
      await engine.must(["docker", "build", "-q", "-t", "mycelium-docker", "."], home.path)
      await engine.must(["rm", "Dockerfile"], home.path)
      writeFileSync(join(home.path, "mycelium-compose.yaml"), here(compose))
      const said = await engine.must(["sh", "-e", "-c", here(shell)], home.path)
      expect(said).toContain("recreated (container live-api-1 of project live)")
      const before = (await engine.containers()).find(({ name }) => name === "live-api-1")
      const rotate =
        "docker compose -f mycelium-compose.yaml exec -T mycelium mycelium rotate-now production"
      expect(await engine.must(["sh", "-c", rotate], home.path)).toContain(
        "production/key: rotated",
      )
      const after = (await engine.containers()).find(({ name }) => name === "live-api-1")
      const [line] = readFileSync(join(app.path, ".env"), "utf8").split("\n")
      expect(after?.id).not.toBe(before?.id ?? "")
      expect(after === undefined ? [] : engine.environ(after)).toContain(line ?? "")
    }, 120_000)

    test("refuses without that group, and at another path", async () => {
      const outside = await run(app.path)
      expect([outside.ok, outside.out]).toEqual([
        false,
        expect.stringContaining("(compose-failed)"),
      ])
      const elsewhere = await run("/app", `--group-add=${group}`)
      expect([elsewhere.ok, elsewhere.out]).toEqual([
        false,
        expect.stringContaining(`started from ${app.path} (compose-project)`),
      ])
      const same = await run(app.path, `--group-add=${group}`)
      expect([same.ok, same.out]).toEqual([true, expect.stringContaining("live-api-1")])
    }, 60_000)
  })

  describe("under a filter of system calls", () => {
    /** A rotation of a generated value, in a folder that goes with its container. */
    const work = [
      "mkdir -m 700 /tmp/shop && cd /tmp/shop && umask 077",
      "export XDG_CONFIG_HOME=/tmp/config",
      'echo "$CONFIG" > mycelium.yaml',
      "{ mycelium init; echo init ended with $?; }",
      "mycelium rotate-now production --new && mycelium rotate-now production",
    ].join(" && ")
    const config = {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { key: "generated" },
          outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
          deployments: { api: { command: ["/bin/true"] } },
        },
      },
    }
    const limited = (filter: string): ReturnType<DockerEngine["run"]> => {
      const limits = [
        "--rm",
        "--network=none",
        "--tmpfs=/tmp:mode=1777",
        "--cap-drop=ALL",
        `--security-opt=seccomp=${filter}`,
      ]
      const words = ["-e", `CONFIG=${JSON.stringify(config)}`, "--entrypoint=sh", "mycelium"]
      return engine.run(["docker", "run", ...limits, ...words, "-c", work])
    }
    const [eperm, enosys] = [1, 38]
    async function denying(call: string, errno: number): Promise<string> {
      const file = join(engine.folder, `${call}-${errno}.json`)
      const rule = { names: [call], action: "SCMP_ACT_ERRNO", errnoRet: errno }
      writeFileSync(file, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }))
      return file
    }

    test("podman's own lets it do its work", async () => {
      const { ok, out, err } = await limited(await podmanFilter())
      expect([ok, out, ok ? "" : err]).toEqual([true, expect.stringContaining("v2 is current"), ""])
    }, 60_000)

    test("only what the manual names is what it cannot do without", async () => {
      const text = readFileSync(new URL("../../src/manual/container.md", import.meta.url), "utf8")
      const row = text.split("\n").find((line) => line.startsWith("| a crash report of Bun"))
      const both = ["prlimit64", "epoll_create1", "eventfd2"]
      const denied = ["clone3", "getrandom"]
      for (const call of both) for (const errno of [eperm, enosys]) await crashes(call, errno)
      for (const call of denied) {
        await crashes(call, eperm)
        const { ok, err } = await limited(await denying(call, enosys))
        expect([call, ok, ok ? "" : err]).toEqual([call, true, ""])
      }
      for (const call of [...both, ...denied]) expect(row).toContain(`\`${call}\``)
      // Some that newer filters of Docker deny.
      for (const call of ["io_uring_setup", "memfd_create", "pidfd_open"]) {
        const { ok, err } = await limited(await denying(call, eperm))
        expect([call, ok, ok ? "" : err]).toEqual([call, true, ""])
      }
    }, 120_000)

    /** Its code is that of abort(). */
    async function crashes(call: string, errno: number): Promise<void> {
      const { ok, out } = await limited(await denying(call, errno))
      expect([call, errno, ok, out]).toEqual([
        call,
        errno,
        false,
        expect.stringContaining("init ended with 134"),
      ])
    }
  })
})
