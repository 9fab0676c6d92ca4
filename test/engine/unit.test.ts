import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fenced } from "../support/image.ts"
import { binary } from "../support/mycelium.ts"
import { type DockerEngine, dockerIsMissing, startDocker } from "../support/servers/docker.ts"
import { until } from "../support/until.ts"
import { type Machine, machineIsMissing, startMachine } from "../support/systemd-machine.ts"

/** src/manual/unit.md, followed word for word with config/mycelium.service, on a real systemd with polkit. */

const missing = (await dockerIsMissing()) ?? (await machineIsMissing())
const suite = missing === undefined ? describe : describe.skip
const unit = new URL("../../config/mycelium.service", import.meta.url).pathname

suite(`the unit${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let engine: DockerEngine
  let machine: Machine
  beforeAll(async () => {
    engine = await startDocker()
    machine = await startMachine(engine)
    await machine.copy(binary, "/root/mycelium")
    await machine.copy(unit, "/root/mycelium.service")
  }, 240_000)
  afterAll(async () => engine?.[Symbol.asyncDispose](), 60_000)

  const must = async (line: string): Promise<string> => {
    const { ok, out, err } = await machine.say(line)
    if (!ok) throw new Error(`${line}: ${out}${err}`)
    return `${out}\n${err}`
  }
  async function write(name: string, text: string): Promise<void> {
    const file = join(engine.folder, "written")
    writeFileSync(file, text, { mode: 0o644 })
    await machine.copy(file, name)
  }
  const config = {
    project: "shop",
    store: "/var/lib/mycelium",
    identity: { file: "/run/credentials/mycelium.service/identity" },
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ dotenv: "/srv/shop/.env", variables: { KEY: "{{ key.password }}" } }],
        deployments: { worker: { systemd: "shop-worker.service" } },
      },
    },
  }
  /**
   * A command with all that the unit gives and denies its service; its config names the credential
   * of this unit.
   */
  async function confined(words: string): ReturnType<Machine["say"]> {
    const text = readFileSync(unit, "utf8")
      .replace(/^Type=.*$/m, "Type=oneshot")
      .replace(
        /^ExecStart=.*$/m,
        `ExecStart=/usr/local/bin/mycelium ${words} --config /etc/mycelium/once.yaml`,
      )
      .replaceAll(/^(Restart|ExecReload|Watchdog\w+)=.*$/gm, "")
      .replace(
        "[Install]",
        "ReadWritePaths=/srv/shop\n" +
          "StandardOutput=truncate:/root/said\n" +
          "StandardError=truncate:/root/errors\n" +
          "[Install]",
      )
    await write("/etc/systemd/system/once.service", text)
    await must(
      "sed s/mycelium.service/once.service/ /etc/mycelium/mycelium.yaml > " +
        "/etc/mycelium/once.yaml; systemctl daemon-reload",
    )
    return machine.say("systemctl start once; code=$?; cat /root/said /root/errors; exit $code")
  }
  const worker = async (): Promise<string> =>
    (await must("systemctl show -p MainPID --value shop-worker")).trim()

  test("starts by the manual's steps, with its credential, and stays active when it reloads", async () => {
    const steps = (await fenced("unit.md", "sh")).map((text) =>
      text.replace("systemctl edit mycelium", ": #"),
    )
    await write("/root/mycelium.yaml", JSON.stringify(config))
    await must("mkdir -p /srv/shop")
    for (const step of steps.slice(0, 2)) await must(`set -e; ${step}`)
    const grants = steps.find((text) => text.startsWith("chgrp mycelium")) ?? ""
    await must(`set -e; ${grants}`)
    await must("mkdir -p /etc/systemd/system/mycelium.service.d")
    await write(
      "/etc/systemd/system/mycelium.service.d/override.conf",
      "[Service]\nReadWritePaths=/srv/shop\n",
    )
    await write(
      "/etc/systemd/system/shop-worker.service",
      "[Service]\nExecStart=/bin/sh -c 'exec sleep 100000'\n",
    )
    await must("systemctl daemon-reload; systemctl start shop-worker")
    const start = steps.find((text) => text.startsWith("systemctl enable")) ?? ""
    expect(await must(start)).toContain("nothing is wrong")
    const status = await must("cat /proc/$(systemctl show -p MainPID --value mycelium)/status")
    expect(status).toMatch(/^Seccomp:\t2$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    await must("systemctl reload mycelium")
    await until(
      "it is active again",
      async () => (await machine.say("systemctl is-active mycelium")).out === "active",
    )
  }, 60_000)

  test("without the rule of polkit goes back, says why, and leaves the service as it is", async () => {
    const before = await worker()
    const made = await confined("rotate-now production --new")
    expect([made.ok, made.out]).toEqual([
      false,
      expect.stringContaining(
        "shop-worker.service ended with code 1: this user has no right to do that",
      ),
    ])
    expect([made.out.includes("back-unhealthy"), await worker()]).toEqual([false, before])
  }, 60_000)

  test("with it restarts that service, and no other", async () => {
    const text = readFileSync(unit, "utf8")
    const rule =
      /^#   polkit\.addRule[\s\S]*?^#   \}\);$/m.exec(text)?.[0].replaceAll(/^#   /gm, "") ?? ""
    await must("mkdir -p /etc/polkit-1/rules.d")
    await write("/etc/polkit-1/rules.d/50-mycelium.rules", rule)
    await must("systemctl restart polkit")
    const before = await worker()
    const rotated = await confined("rotate-now production --new")
    expect([rotated.ok, rotated.out]).toEqual([
      true,
      expect.stringContaining("production/key: rotated"),
    ])
    expect(await worker()).not.toBe(before)
    const other = await machine.say(
      "runuser -u mycelium -- systemctl --no-ask-password restart polkit.service",
    )
    expect(other.ok).toBe(false)
  }, 60_000)

  test("refuses a unit that systemd does not know before any value exists", async () => {
    await must("sed -i s/shop-worker/shop-wroker/ /etc/mycelium/mycelium.yaml")
    const refused = await confined("rotate-now production")
    expect([refused.ok, refused.out]).toEqual([
      false,
      expect.stringContaining("systemd has no unit shop-wroker.service (unit-missing)"),
    ])
    await must("sed -i s/shop-wroker/shop-worker/ /etc/mycelium/mycelium.yaml")
  }, 60_000)

  test("cannot write where it was not told to, and does not try again what only a person can mend", async () => {
    await must(
      "chmod 777 /var/tmp; sed -i s#/srv/shop/.env#/opt/.env# /etc/mycelium/mycelium.yaml; " +
        "mkdir -p /opt; chown mycelium /opt",
    )
    const refused = await confined("rotate-now production")
    expect([refused.ok, refused.out]).toEqual([false, expect.stringContaining("EROFS")])
    await must("echo 'nonsense: [' > /etc/mycelium/mycelium.yaml")
    await machine.say("systemctl restart mycelium")
    expect(await must("systemctl show -p ActiveState,NRestarts,ExecMainStatus mycelium")).toMatch(
      /NRestarts=0[\s\S]*ExecMainStatus=3[\s\S]*ActiveState=failed/,
    )
  }, 60_000)
})
