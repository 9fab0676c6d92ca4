import { type Call, pathsIn, readStrace, threadsOf } from "../../../test/support/strace.ts"

/**
 * What a run did to files below one folder, read from a log of `strace -f -y -Y -xx` that holds
 * every byte.
 */
export type FileCall =
  | { readonly kind: "create" | "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  /** `offset` undefined: at the end of what there is. */
  | {
      readonly kind: "write"
      readonly path: string
      readonly offset: number | undefined
      readonly bytes: Buffer
    }
  | { readonly kind: "cut"; readonly path: string; readonly size: number }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  | { readonly kind: "sync"; readonly path: string }
  /** Something that was sent to a server or to a program. */
  | { readonly kind: "say"; readonly text: string; readonly socket: string }
  /** Something was heard from one: an answer to what was said before. */
  | { readonly kind: "hear"; readonly socket: string }

export type Logged = FileCall & { readonly entered: number; readonly returned: number }

/**
 * Every call that can change a file, a folder, or what lasts of them. One that `read` does not know
 * is an error, not a gap.
 */
export const tracedForPower =
  "openat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,ftruncate,truncate,fallocate,copy_file_range,sendfile,fchmod,chmod,fchmodat,clone,clone3,sendto,sendmsg,recvfrom,read,recvmsg"

const spoken = new Set(["sendto", "sendmsg"])
const heard = new Set(["recvfrom", "recvmsg"])
const ignored = new Set(["clone", "clone3", "close", "lseek", "read"])

export function readPowerLog(path: string, root: string): readonly Logged[] {
  const calls = readStrace(path)
  const threads = threadsOf(calls)
  // SQLite appends by nothing, others by position: where each open file stands.
  const positions = new Map<string, number | undefined>()
  return calls
    .filter(
      ({ pid, result }) => threads.has(pid) && result !== undefined && !result.startsWith("-1"),
    )
    .sort((one, other) => one.returned - other.returned)
    .flatMap((call) => {
      const found = read(call, root, positions)
      return found === undefined
        ? []
        : [{ ...found, entered: call.entered, returned: call.returned }]
    })
}

function read(
  call: Call,
  root: string,
  positions: Map<string, number | undefined>,
): FileCall | undefined {
  const { name, args, result } = call
  if (ignored.has(name)) return undefined
  const paths = pathsIn(args).map((one) => unescape(one).toString())
  const [path = "", to = ""] = paths
  const say = (): FileCall => ({
    kind: "say",
    text: bytesIn(args).toString("latin1"),
    socket: path,
  })
  if (spoken.has(name)) return say()
  // Nothing at all is read where the other end has closed.
  if (heard.has(name)) return result === "0" ? undefined : { kind: "hear", socket: path }
  if (name === "write" && !path.startsWith("/"))
    return path.startsWith("anon_inode:") ? undefined : say()
  if (!path.startsWith(`${root}/`)) return undefined
  return readFile(call, { path, to }, positions)
}

function readFile(
  { name, args, result = "" }: Call,
  { path, to }: { readonly path: string; readonly to: string },
  positions: Map<string, number | undefined>,
): FileCall | undefined {
  const number = (): number => Number(/(\d+)$/.exec(args)?.[1])
  const octal = (): number => Number.parseInt(/(0[0-7]*)$/.exec(args)?.[1] ?? "0600", 8)
  switch (name) {
    case "openat": {
      if (args.includes("O_RDONLY")) return undefined
      if (args.includes("O_TRUNC"))
        throw new Error(`opened with O_TRUNC, which is not modelled: ${path}`)
      positions.set(path, args.includes("O_APPEND") ? undefined : 0)
      return args.includes("O_CREAT") ? { kind: "create", path, mode: octal() & ~0o077 } : undefined
    }
    case "write": {
      const offset = positions.get(path)
      const bytes = bytesIn(args).subarray(0, Number(result))
      if (offset !== undefined) positions.set(path, offset + bytes.length)
      return { kind: "write", path, offset, bytes }
    }
    case "pwrite64":
      return {
        kind: "write",
        path,
        offset: number(),
        bytes: bytesIn(args).subarray(0, Number(result)),
      }
    case "ftruncate":
      return { kind: "cut", path, size: number() }
    case "fchmod":
    case "chmod":
      return { kind: "mode", path, mode: octal() }
    case "fsync":
    case "fdatasync":
      return { kind: "sync", path }
    case "rename":
      return { kind: "rename", path, to }
    case "unlink":
    case "rmdir":
      return { kind: "remove", path }
    case "mkdir":
      return { kind: "folder", path, mode: octal() }
    default:
      throw new Error(`${name} is not modelled`)
  }
}

/** The first string of the arguments: what was written or sent. */
function bytesIn(args: string): Buffer {
  const [, text = "", cut = ""] = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/.exec(args) ?? []
  if (cut !== "") throw new Error("strace has cut a string off")
  return unescape(text)
}

function unescape(text: string): Buffer {
  return /^(\\x[0-9a-f]{2})+$/.test(text)
    ? Buffer.from(text.replaceAll("\\x", ""), "hex")
    : Buffer.from(text)
}
