import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

test.each(["0 25 * * *", "0 3 30 2 *"])(
  "check --quick is not green with a schedule that run refuses: %s",
  async (schedule) => {
    await using project = await layOut()
    const config = {
      project: "shop",
      schedule: "0 3 * * *",
      environments: { production: { rotate_every: "90d", secrets: { key: "generated" } } },
    }
    project.configure(config)
    expect((await project.mycelium(["init"])).code).toBe(0)
    expect((await project.mycelium(["check", "--quick"])).code).toBe(0)
    project.configure({ ...config, schedule })
    expect((await project.mycelium(["run", "--once"])).code).toBe(3)
    expect((await project.mycelium(["check", "--quick"])).code).toBe(3)
  },
)
