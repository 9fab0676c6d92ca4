import { readFileSync } from "node:fs"
import type { Actor } from "../core/audit-line.ts"

/** What the machine says about this process. */
export type Surroundings = {
  readonly uid: number
  readonly env: (name: string) => string | undefined
  /** The text of a file; undefined if it cannot be read. */
  readonly read: (path: string) => string | undefined
}

/** The kernel's mark of no login: services, containers, and ways in that set none. */
const noLogin = 4_294_967_295

/**
 * Who acts. The kernel keeps the login uid of a session through sudo and su, and only root can have
 * set it: that is the
 * user. Where there is none, it is the uid. What sudo says stands beside it as a hint, for anyone
 * can set a variable; the
 * unit, the session or the container come from the kernel's own files.
 */
export function actorOf({ uid, env, read }: Surroundings, command: string): Actor {
  const login = Number(/^\d+/.exec(read("/proc/self/loginuid") ?? "")?.[0] ?? noLogin)
  const name = (id: number): string => nameOf(id, read("/etc/passwd") ?? "")
  const hint = env("SUDO_USER")
  const via = [
    `mycelium ${command}`,
    login === noLogin || login === uid
      ? `uid ${uid}`
      : `uid ${uid} (${name(uid)}), logged in as uid ${login}`,
    ...(hint === undefined || hint === "" ? [] : [`SUDO_USER ${plain(hint)}`]),
    ...placeOf(read),
  ]
  return { user: name(login === noLogin ? uid : login), via: via.join(", ") }
}

/** From the machine's own list: the runtime's answer comes from a variable that anyone can set. */
function nameOf(uid: number, passwd: string): string {
  const line = passwd.split("\n").find((one) => one.split(":")[2] === String(uid))
  return line === undefined ? `uid ${uid}` : plain(line.split(":")[0] ?? "")
}

/** Where the process runs: a unit of systemd or a login session, a container. */
function placeOf(read: Surroundings["read"]): readonly string[] {
  const groups = groupOf(read("/proc/self/cgroup") ?? "")
  const unit = /([^/]+\.service)(?:\/[^/]+\.(?:slice|scope))*\/?$/.exec(groups)?.[1]
  const session = /\/session-([^/]+)\.scope/.exec(groups)?.[1]
  return [
    ...(unit === undefined ? [] : [`unit ${plain(unit)}`]),
    ...(session === undefined ? [] : [`session ${plain(session)}`]),
    ...containerOf(groups, read),
  ]
}

function containerOf(groups: string, read: Surroundings["read"]): readonly string[] {
  const id = containerIn(groups) ?? containerIn(mountsOf(read("/proc/self/mountinfo") ?? ""))
  if (id !== undefined) return [`container ${id}`]
  const isMarked = ["/run/.containerenv", "/.dockerenv"].some((path) => read(path) !== undefined)
  return isMarked ? ["in a container"] : []
}

/**
 * The path of the process: in the one hierarchy (cgroup v2), else in systemd's own; if neither names
 * one, in any.
 */
function groupOf(text: string): string {
  const lines = text.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    return controllers === undefined || path === undefined ? [] : [{ controllers, path }]
  })
  const said = lines.filter(({ path }) => path !== "/")
  const found =
    said.find(({ controllers }) => controllers === "") ??
    said.find(({ controllers }) => controllers === "name=systemd") ??
    said[0]
  return found?.path ?? ""
}

/**
 * Docker, containerd, CRI-O and Podman name the cgroup of a container, and folders of it, by 64
 * hexadecimal digits; twelve of them are what people see.
 */
function containerIn(text: string): string | undefined {
  return /(?:docker|containerd|crio|libpod|kubepods|containers|overlay-containers)[^\n]*?([0-9a-f]{64})/
    .exec(text)?.[1]
    ?.slice(0, 12)
}

/**
 * Within its own cgroup namespace a container sees no name there; but files that were mounted for
 * it say it.
 */
function mountsOf(text: string): string {
  return text
    .split("\n")
    .filter((line) =>
      /\/(?:hostname|hosts|resolv\.conf) \/etc\/(?:hostname|hosts|resolv\.conf) /.test(line),
    )
    .join("\n")
}

/** A name that others chose, made safe for a line that people read. */
function plain(text: string): string {
  // The tables of Unicode take longer to load than all else here.
  if (/^[\w@.:\\-]*$/.test(text)) return text.slice(0, 64)
  return text.replace(/[^\p{L}\p{N}@._:\\-]+/gu, "?").slice(0, 64)
}

/** The files of this machine. */
export function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
