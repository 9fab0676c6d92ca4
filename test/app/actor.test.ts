import { describe, expect, test } from "bun:test"
import { actorOf, readFile } from "../../src/app/actor.ts"

const passwd =
  "root:x:0:0:root:/root:/bin/sh\n" +
  "anna:x:1000:1000::/home/anna:/bin/sh\n" +
  "mycelium:x:990:990::/var/lib/mycelium:/usr/sbin/nologin\n"
const hex = "0123456789abcdef".repeat(4)

type Given = {
  readonly uid: number
  readonly loginuid?: string
  readonly sudo?: string
  readonly cgroup?: string
  readonly files?: Readonly<Record<string, string>>
}

function actor({ uid, loginuid, sudo, cgroup, files }: Given): {
  readonly user: string
  readonly via: string
} {
  const all: Readonly<Record<string, string | undefined>> = {
    "/etc/passwd": passwd,
    "/proc/self/loginuid": loginuid,
    "/proc/self/cgroup": cgroup,
    ...files,
  }
  return actorOf(
    { uid, env: (name) => (name === "SUDO_USER" ? sudo : undefined), read: (path) => all[path] },
    "rotate-now",
  )
}

describe("actorOf()", () => {
  test.each<[string, Given, string, string]>([
    ["who logged in", { uid: 1000, loginuid: "1000" }, "anna", "mycelium rotate-now, uid 1000"],
    [
      "who logged in and is root by sudo",
      { uid: 0, loginuid: "1000", sudo: "anna" },
      "anna",
      "mycelium rotate-now, uid 0 (root), logged in as uid 1000, SUDO_USER anna",
    ],
    [
      "who logged in, whatever a variable says",
      { uid: 0, loginuid: "1000", sudo: "otto" },
      "anna",
      "mycelium rotate-now, uid 0 (root), logged in as uid 1000, SUDO_USER otto",
    ],
    [
      "without a login, the uid, and sudo's word as a hint",
      { uid: 0, loginuid: "4294967295", sudo: "otto" },
      "root",
      "mycelium rotate-now, uid 0, SUDO_USER otto",
    ],
    [
      "where there is no loginuid, the uid",
      { uid: 990 },
      "mycelium",
      "mycelium rotate-now, uid 990",
    ],
    [
      "a user that the machine's list does not have",
      { uid: 5000, loginuid: "5001" },
      "uid 5001",
      "mycelium rotate-now, uid 5000 (uid 5000), logged in as uid 5001",
    ],
    [
      "no more of a variable than a name",
      { uid: 0, loginuid: "4294967295", sudo: `an"na\nuser: root, ${"x".repeat(200)}` },
      "root",
      `mycelium rotate-now, uid 0, SUDO_USER an?na?user:?root?${"x".repeat(47)}`,
    ],
    [
      "a unit of systemd",
      { uid: 990, loginuid: "4294967295", cgroup: "0::/system.slice/mycelium.service\n" },
      "mycelium",
      "mycelium rotate-now, uid 990, unit mycelium.service",
    ],
    [
      "a unit under cgroup v1",
      {
        uid: 990,
        cgroup: "3:cpu:/system.slice\n1:name=systemd:/system.slice/mycelium.service\n0::/\n",
      },
      "mycelium",
      "mycelium rotate-now, uid 990, unit mycelium.service",
    ],
    [
      "a unit of a user's own manager",
      {
        uid: 1000,
        loginuid: "1000",
        cgroup: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/rotate.service\n",
      },
      "anna",
      "mycelium rotate-now, uid 1000, unit rotate.service",
    ],
    [
      "a session",
      { uid: 1000, loginuid: "1000", cgroup: "0::/user.slice/user-1000.slice/session-3.scope\n" },
      "anna",
      "mycelium rotate-now, uid 1000, session 3",
    ],
    [
      "a container of Docker",
      { uid: 0, cgroup: `0::/system.slice/docker-${hex}.scope\n` },
      "root",
      "mycelium rotate-now, uid 0, container 0123456789ab",
    ],
    [
      "a pod of Kubernetes",
      {
        uid: 0,
        cgroup: `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-${hex}.scope\n`,
      },
      "root",
      "mycelium rotate-now, uid 0, container 0123456789ab",
    ],
    [
      "a container that sees no cgroup of its own, by what is mounted for it",
      {
        uid: 0,
        cgroup: "0::/\n",
        files: {
          "/proc/self/mountinfo":
            `600 500 254:1 /var/lib/docker/containers/${hex}/hostname /etc/hostname rw - ext4 ` +
            "/dev/vda1 rw\n",
        },
      },
      "root",
      "mycelium rotate-now, uid 0, container 0123456789ab",
    ],
    [
      "not what else is mounted",
      {
        uid: 0,
        cgroup: "0::/\n",
        files: {
          "/proc/self/mountinfo":
            "600 500 0:50 / / rw - overlay overlay " +
            `rw,upperdir=/var/lib/docker/overlay2/${hex}/diff\n`,
        },
      },
      "root",
      "mycelium rotate-now, uid 0",
    ],
    [
      "a container that only says that it is one",
      { uid: 0, cgroup: "0::/\n", files: { "/run/.containerenv": "" } },
      "root",
      "mycelium rotate-now, uid 0, in a container",
    ],
  ])("names %s", (_, given, user, via) => {
    expect(actor(given)).toEqual({ user, via })
  })

  test("reads this machine", () => {
    const { user, via } = actorOf(
      { uid: process.getuid?.() ?? 0, env: () => undefined, read: readFile },
      "check",
    )
    expect(user).not.toBe("")
    expect(via).toStartWith("mycelium check, uid ")
  })
})
