import { cp, mkdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { systemdPackages } from "../../scripts/servers/image.ts"
import type { DockerEngine } from "./servers/docker.ts"
import { temporaryFolder } from "./temp-folder.ts"
import { until } from "./until.ts"

/**
 * A system's systemd, as process 1 of a container of the test's engine, with D-Bus and polkit:
 * nothing of the machine's /run, /tmp or /dev/shm is in it, and it may not set anything of the
 * kernel's.
 */
export type Machine = {
  /** A line of shell, as root. */
  readonly say: (line: string) => ReturnType<DockerEngine["run"]>
  readonly copy: (from: string, to: string) => Promise<string>
}

export async function machineIsMissing(): Promise<string | undefined> {
  const packages = await systemdPackages()
  return "why" in packages ? packages.why : undefined
}

const files = {
  "etc/passwd": [
    "root:x:0:0:root:/root:/bin/sh",
    "messagebus:x:101:101::/nonexistent:/usr/sbin/nologin",
    "polkitd:x:102:102::/nonexistent:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
  ],
  "etc/group": ["root:x:0:", "messagebus:x:101:", "polkitd:x:102:", "nogroup:x:65534:"],
  "etc/machine-id": [],
  "etc/pam.d/runuser": ["auth sufficient pam_permit.so", "session sufficient pam_permit.so"],
  // Control groups come read-only, and a credential is mounted by a process of its own.
  begin: [
    "#!/bin/sh",
    "for one in /sys/fs/cgroup /sys/fs/cgroup/*; do mountpoint -q $one && mount -o " +
      "remount,rw,bind $one; done",
    "mount --make-rshared /",
    "exec /lib/systemd/systemd --unit=multi-user.target --log-target=console --show-status=no",
  ],
}
/** What sets something of the kernel's, or waits for devices. */
const masked = [
  "console-getty.service dev-hugepages.mount dev-mqueue.mount getty.target proc-sys-fs-binfmt_misc.automount",
  "sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount",
  "systemd-logind.service systemd-modules-load.service systemd-random-seed.service " +
    "systemd-remount-fs.service",
  "systemd-sysctl.service systemd-sysusers.service systemd-tmpfiles-setup-dev.service " +
    "systemd-update-utmp.service",
  "timers.target",
].flatMap((line) => line.split(" "))

export async function startMachine(engine: DockerEngine): Promise<Machine> {
  await makeImage(engine)
  const rights = [
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined",
  ]
  const own = ["--tmpfs=/run:mode=755", "--tmpfs=/run/lock", "--tmpfs=/tmp", "--cgroupns=private"]
  const words = ["docker", "run", "-d", "--name=machine", "--network=none", ...rights, ...own]
  await engine.must([...words, "machine:1", "/begin"])
  const say: Machine["say"] = (line) =>
    engine.run(["docker", "exec", "-w", "/root", "machine", "sh", "-c", line])
  await until(
    "systemd has started",
    async () => (await say("systemctl is-system-running")).out === "running",
    30_000,
  )
  return { say, copy: (from, to) => engine.must(["docker", "cp", "-L", from, `machine:${to}`]) }
}

async function makeImage(engine: DockerEngine): Promise<void> {
  const packages = await systemdPackages()
  if ("why" in packages) throw new Error(`no systemd to test with: ${packages.why}`)
  await using draft = await temporaryFolder()
  const at = (name: string): string => join(draft.path, "root", name)
  await cp(packages.folder, at(""), { recursive: true, verbatimSymlinks: true })
  for (const folder of ["root", "tmp", "run", "proc", "sys", "dev", "srv", "usr/local/bin"])
    await mkdir(at(folder), { recursive: true })
  for (const [name, lines] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true })
    await writeFile(at(name), lines.map((line) => `${line}\n`).join(""), { mode: 0o755 })
  }
  for (const unit of masked) await symlink("/dev/null", at(join("etc/systemd/system", unit)))
  const path =
    "ENV container=docker PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  const words = 'tar c -C "$1" . | docker import -c "$2" -- - machine:1'
  await engine.must(["sh", "-c", words, "sh", at(""), path])
}
