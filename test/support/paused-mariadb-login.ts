import { connect } from "node:net"
import { loginHead, scramble } from "../../src/plugins/drivers/mariadb/login.ts"
import type { PausedLogin } from "./paused-login.ts"

/**
 * A login that names another plugin than the account's: the server has read what it knows of the
 * password, asks for the right kind of proof, and gets it only when it is told to.
 */
export async function pausedMariadbLogin(
  port: number,
  user: string,
  password: string,
): Promise<PausedLogin> {
  const socket = connect({ host: "127.0.0.1", port })
  const ready: Buffer[] = []
  let wake = (): void => undefined
  let open = true
  socket
    .on("error", () => undefined)
    .on("data", (chunk: Buffer) => {
      ready.push(chunk)
      wake()
    })
    .on("close", () => {
      open = false
      wake()
    })
  /** Undefined once the server has ended it. */
  const next = async (): Promise<Buffer | undefined> => {
    while (ready.length === 0 && open) await new Promise<void>((resolve) => (wake = resolve))
    return ready.shift()
  }
  await next()
  const body = Buffer.concat([
    loginHead(false),
    Buffer.from(`${user}\0\0mysql_clear_password\0`, "latin1"),
  ])
  socket.write(Buffer.concat([Buffer.from([body.length, 0, 0, 1]), body]))
  const asked = await next()
  if (asked?.[4] !== 0xfe) throw new Error("the server does not ask for another kind of proof")
  const seedAt = asked.indexOf(0, 5) + 1
  const proof = scramble(password, asked.subarray(seedAt, seedAt + 20))
  return {
    finish: async () => {
      if (open) socket.write(Buffer.concat([Buffer.from([proof.length, 0, 0, 3]), proof]))
      return (await next())?.[4] === 0 ? "in" : "refused"
    },
    lives: () => open,
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  }
}
