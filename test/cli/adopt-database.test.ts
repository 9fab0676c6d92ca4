import { expect, test } from "bun:test"
import { startPostgres } from "../support/servers/postgres.ts"
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
