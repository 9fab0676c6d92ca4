import { connect } from "node:net"
import { z } from "zod"
import { systemCode } from "../../base/error.ts"
import { deadlineOf } from "../../base/processes/run-time.ts"
import { defineHealth } from "../../core/define.ts"

/** A connection is accepted: says that a program listens, not that it works. */

const message = 'expected "host:port", "[address]:port" for IPv6'

export const tcp = defineHealth({
  type: "tcp",
  summary: "a port accepts a connection",
  options: z
    .string(message)
    .refine((text) => parse(text) !== undefined, message)
    .meta({ title: "host:port, or [address]:port for IPv6", examples: ["127.0.0.1:6432"] }),
  open: (options) => {
    const address = parse(options) ?? { host: "", port: 0 }
    return {
      label: `tcp ${options}`,
      limits: "that it listens, not that it can log in",
      healthy: async (signal) => {
        const deadline = deadlineOf(tryMs, signal)
        const failure = await knock(address, deadline.signal).finally(deadline.end)
        return failure === undefined || `${failure} from ${options}`
      },
    }
  },
})

const tryMs = 5000

type Address = { readonly host: string; readonly port: number }

function parse(text: string): Address | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9._-]+)):([1-9]\d{0,4})$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = Number(parts?.[3])
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

/** Undefined once connected, or why not. */
function knock(address: Address, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve("no answer")
    const socket = connect(address)
    const end = (answer: string | undefined): void => {
      signal.removeEventListener("abort", stop)
      socket.destroy()
      resolve(answer)
    }
    const stop = (): void => end("no answer")
    signal.addEventListener("abort", stop)
    socket.once("connect", () => end(undefined))
    socket.on("error", (error) =>
      end(systemCode(error) === "ECONNREFUSED" ? "connection refused" : "no answer"),
    )
  })
}
