import { afterAll, beforeAll } from "bun:test"
import type { Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { rabbitmq } from "../../../../src/plugins/drivers/rabbitmq/index.ts"
import { type RabbitmqServer, startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { type Harness, type Service, context, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/** One user of a real RabbitMQ, without a tag, as programs have them. */
let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

let made = 0

async function start(): Promise<Service> {
  const user = `app${++made}`
  const password = text("password").reveal()
  await server.user(user, password)
  const open = (admin = server.admin.password, port = server.port): Driver =>
    rabbitmq.open(
      rabbitmq.options.parse({
        address: `http://127.0.0.1:${port}`,
        amqp: `amqp://127.0.0.1:${server.amqpPort}`,
        user,
        admin: { user: server.admin.user, password: { env: "ADMIN" } },
      }),
      context(server.folder, admin),
    )
  let state: "runs" | "hangs" | "stopped" = "runs"
  const resume = async (): Promise<void> => {
    if (state === "hangs") server.signal("SIGCONT")
    if (state === "stopped") await server.start()
    state = "runs"
  }
  return {
    current: { version: "v1", fields: { user, password: new Secret("password", password) } },
    open: () => open(),
    stored: () => server.ask("GET", `users/${user}`),
    stop: async () => {
      await server.stop("kill")
      state = "stopped"
    },
    hang: async () => {
      server.signal("SIGSTOP")
      state = "hangs"
    },
    resume,
    faulty: () => [open("wrong"), open(server.admin.password, 1)],
    [Symbol.asyncDispose]: resume,
  }
}

driverSuite("rabbitmq", { start } satisfies Harness)
