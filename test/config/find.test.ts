import { describe, expect, test } from "bun:test"
import { findConfig } from "../../src/config/find.ts"
import { errorOf } from "../support/error-of.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

const none = (): undefined => undefined
const variable = (value: string) => (name: string) =>
  name === "MYCELIUM_CONFIG" ? value : undefined

describe("findConfig()", () => {
  test("takes --config, then the variable, then the folder", async () => {
    await using folder = await temporaryFolder()
    for (const name of ["flag.yaml", "variable.yaml", "mycelium.yaml", "mycelium.yml"])
      await Bun.write(`${folder.path}/${name}`, "")
    expect(await findConfig("flag.yaml", folder.path, variable("variable.yaml"))).toBe(
      `${folder.path}/flag.yaml`,
    )
    expect(await findConfig(undefined, folder.path, variable("variable.yaml"))).toBe(
      `${folder.path}/variable.yaml`,
    )
    expect(await findConfig(undefined, folder.path, variable(""))).toBe(
      `${folder.path}/mycelium.yaml`,
    )
    await Bun.file(`${folder.path}/mycelium.yaml`).delete()
    expect(await findConfig(undefined, folder.path, none)).toBe(`${folder.path}/mycelium.yml`)
  })

  test("takes no other where the named one is missing", async () => {
    await using folder = await temporaryFolder()
    await Bun.write(`${folder.path}/mycelium.yaml`, "")
    const flag = await errorOf(findConfig("x.yaml", folder.path, none))
    expect([flag.code, flag.message, flag.hint]).toEqual([
      "config-missing",
      `--config names ${folder.path}/x.yaml, which does not exist`,
      "make one with mycelium init, or name one with --config",
    ])
    const named = await errorOf(findConfig(undefined, folder.path, variable("/no/x.yaml")))
    expect(named.message).toBe("MYCELIUM_CONFIG names /no/x.yaml, which does not exist")
  })

  test("says where it looked", async () => {
    await using folder = await temporaryFolder()
    const { message } = await errorOf(findConfig(undefined, folder.path, none))
    expect(message).toBe(
      `there is no config: neither ${folder.path}/mycelium.yaml nor ` +
        `${folder.path}/mycelium.yml nor /etc/mycelium/mycelium.yaml exists`,
    )
  })
})
