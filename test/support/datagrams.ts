import { join } from "node:path"
import { until } from "./until.ts"

/**
 * A service manager's end of NOTIFY_SOCKET: what arrives, one datagram after another. Python
 * listens, for Bun cannot.
 */
export type Datagrams = AsyncDisposable & {
  /** What NOTIFY_SOCKET holds. */
  readonly socket: string
  readonly all: () => readonly string[]
  /** Resolves once a datagram for which `holds` is true has arrived. */
  readonly heard: (message: string, holds: (datagram: string) => boolean) => Promise<void>
}

const listen = `
import json, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + path[1:] if path[0] == "@" else path)
print(json.dumps(""), flush=True)
while sys.argv[2] == "read":
    text = s.recv(65536).decode()
    if text != "BARRIER=1": print(json.dumps(text), flush=True)
sys.stdin.read()
`

/** `reads: false`: a manager that hangs. */
export async function listenForDatagrams(
  folder: string,
  how: { readonly abstract?: boolean; readonly reads?: boolean } = {},
): Promise<Datagrams> {
  const socket =
    how.abstract === true ? `@mycelium-${process.pid}-${performance.now()}` : join(folder, "notify")
  const child = Bun.spawn(
    ["python3", "-c", listen, socket, how.reads === false ? "hang" : "read"],
    { stdio: ["pipe", "pipe", "inherit"] },
  )
  const heard: string[] = []
  void collect(child.stdout, heard)
  await until("the socket is there", () => heard.length > 0)
  const all = (): readonly string[] => heard.slice(1)
  return {
    socket,
    all,
    heard: (message, holds) => until(message, () => all().some(holds)),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

async function collect(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  let rest = ""
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n")
    rest = lines.pop() ?? ""
    into.push(...lines.map((line) => String(JSON.parse(line))))
  }
}

/** Puts a program under the kernel's own MemoryDenyWriteExecute: prctl(PR_SET_MDWE), Linux 6.3. */
export const noNewCode = [
  "python3",
  "-c",
  "import ctypes, os, sys\n" +
    "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit(70)\n" +
    "os.execvp(sys.argv[1], sys.argv[1:])",
]

/** An old kernel has no such call: what is proven with it is then not proven. */
export const hasNoNewCode = Bun.spawnSync([...noNewCode, "true"]).exitCode === 0
