import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRabbitmq } from "../support/servers/rabbitmq.ts"
import { openShop } from "../support/shop.ts"

test("adopt refuses a database that does not exist, though the password is right", async () => {
  await using postgres = await startPostgres()
  await using shop = await openShop(postgres)
  const { project } = shop
  const config = project.read("mycelium.yaml")
  project.write(
    "mycelium.yaml",
    config.replace(`:${postgres.port}/postgres`, `:${postgres.port}/nowhere`),
  )
  expect(project.read("mycelium.yaml")).toContain("/nowhere")
  await project.mycelium(["init"])
  const adopted = await shop.run("adopt", "production")
  expect({ code: adopted.code, stdout: adopted.stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(/not adopted: .*database does not exist.*\n {2}hint: name in/),
  })
}, 30_000)

test("adopt refuses a virtual host that does not exist, though the password is right", async () => {
  await using server = await startRabbitmq()
  await server.user("shop", "found-in-the-file", "")
  await using project = await layOut(
    { ".env": "QUEUE_PASSWORD=found-in-the-file\n", "admin.password": server.admin.password },
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            rabbitmq: {
              address: `http://127.0.0.1:${server.port}`,
              amqp: `amqp://127.0.0.1:${server.amqpPort}`,
              user: "shop",
              vhost: "nowhere",
              admin: { user: server.admin.user, password: { file: "admin.password" } },
            },
          },
          outputs: [
            {
              dotenv: ".env",
              merge: true,
              variables: { QUEUE_PASSWORD: "{{ rabbitmq.password }}" },
            },
          ],
        },
      },
    },
  )
  await project.mycelium(["init"])
  const adopted = await project.mycelium(["adopt", "production"])
  expect({ code: adopted.code, stdout: adopted.stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(
      /not adopted: there is no virtual host nowhere.*\n {2}hint: name/,
    ),
  })
}, 60_000)
